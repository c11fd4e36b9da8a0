/* Random tamperings with a log's folder, each found at its place: 500, or 10,000 with ECLUSE_LONG.
 * Judged with the log's key and a checkpoint that was kept elsewhere.
 */
#include "audit/log.h"
#include "audit/verify.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ENTRIES = 700, OLDER = 600, FILES = 64, PATH = 160 };

struct image { /* a folder's files */
    size_t count;
    struct {
        char path[PATH]; /* below the folder */
        uint8_t *data;
        size_t length;
    } file[FILES];
};

static char root[64];
static struct signer_key key;
static struct image whole, older, forged, *taking;
static char kept[NOTE_SIZE_MAX];
static struct text cosigned;
static unsigned chance = 4711;

static size_t below(size_t most)
{
    return (size_t)rand_r(&chance) % most;
}

/* ---- Folders in memory ----------------------------------------------------------------------- */

static void put(const char *path, const uint8_t *data, size_t length)
{
    char name[2 * PATH];
    snprintf(name, sizeof name, "%s/log/%s", root, path);
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, data, length), length);
    close(file);
}

static int take_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)place;
    if (type != FTW_F)
        return 0;
    size_t at = taking->count++, prefix = strlen(root) + strlen("/log/");
    snprintf(taking->file[at].path, PATH, "%s", path + prefix);
    taking->file[at].length = (size_t)about->st_size;
    taking->file[at].data = malloc((size_t)about->st_size + 1);
    int file = open(path, O_RDONLY);
    assert_int_equal(read(file, taking->file[at].data, (size_t)about->st_size), about->st_size);
    close(file);
    return 0;
}

static void take(struct image *image)
{
    char folder[PATH];
    snprintf(folder, sizeof folder, "%s/log", root);
    taking = image;
    image->count = 0;
    nftw(folder, take_one, 16, FTW_PHYS);
    assert_true(image->count > 3 && image->count <= FILES);
}

static void put_all(const struct image *image)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s/log && mkdir -p %s/log", root, root);
    assert_int_equal(system(command), 0);
    for (size_t i = 0; i < image->count; i++) {
        char folders[3 * PATH];
        snprintf(folders, sizeof folders, "mkdir -p \"$(dirname %s/log/%s)\"", root,
                 image->file[i].path);
        assert_int_equal(system(folders), 0);
        put(image->file[i].path, image->file[i].data, image->file[i].length);
    }
}

static void drop(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->file[i].data);
}

/* ---- Judging --------------------------------------------------------------------------------- */

static struct verify_report judged(void)
{
    char folder[PATH];
    struct verify_report report;
    struct verify_options options = {.key = &key.verifier, .cosigned = cosigned};
    snprintf(folder, sizeof folder, "%s/log", root);
    assert_int_equal(audit_verify(folder, &options, &report), 0);
    return report;
}

/* The place is this file, or this entry of it where it is one of entries. */
static void expect(const char *what, const char *path, long entry)
{
    struct verify_report report = judged();
    char named[32];
    snprintf(named, sizeof named, "entry %ld", entry);
    const char *found = strstr(report.place, "entry ");
    bool right = entry >= 0 ? found && strcmp(found, named) == 0
                            : strncmp(report.place, path, strlen(path)) == 0;
    if (report.finding == VERIFY_SOUND || !right)
        fail_msg("%s in %s, entry %ld: found \"%s\" at \"%s\"", what, path, entry,
                 verify_finding_text(report.finding), report.place);
}

static bool is_bundle(const char *path)
{
    return strncmp(path, "tile/entries/", 13) == 0;
}

static long first_entry(const char *path)
{
    const char *number = strrchr(path, '/') + 1;
    const char *partial = strstr(path, ".p/");
    return strtol(partial ? partial - 3 : number, NULL, 10) * TILE_WIDTH;
}

/* Which entry byte `offset` of a bundle belongs to; its own length counts as its own. */
static long entry_at(const uint8_t *data, size_t length, size_t offset)
{
    struct text text;
    size_t at = 0;
    long n = -1;
    while (at <= offset && bundle_next(data, length, &at, &text))
        n++;
    return n;
}

/* What is left of a smaller log: judged as a whole, after the entries. */
static bool is_older(const char *path)
{
    return strstr(path, ".p/88") != NULL; /* 600 entries */
}

/* A level-0 tile is only a witness of its bundle: what differs is told by the entry. */
static void expect_byte(const char *what, size_t file, size_t offset)
{
    const char *path = whole.file[file].path;
    if (is_older(path))
        expect(what, path, -1);
    else if (is_bundle(path))
        expect(what, path,
               first_entry(path) +
                   entry_at(whole.file[file].data, whole.file[file].length, offset));
    else if (strncmp(path, "tile/0/", 7) == 0)
        expect(what, path, first_entry(path) + (long)(offset / MERKLE_HASH_SIZE));
    else
        expect(what, path, -1);
}

/* ---- Tampering ------------------------------------------------------------------------------- */

static void flip(void)
{
    size_t file = below(whole.count), offset = below(whole.file[file].length);
    uint8_t bit = (uint8_t)(1U << below(8));
    whole.file[file].data[offset] ^= bit;
    put(whole.file[file].path, whole.file[file].data, whole.file[file].length);
    whole.file[file].data[offset] ^= bit;
    expect_byte("a flipped bit", file, offset);
    put(whole.file[file].path, whole.file[file].data, whole.file[file].length);
}

static void cut(void)
{
    size_t file = below(whole.count), length = below(whole.file[file].length);
    const char *path = whole.file[file].path;
    put(path, whole.file[file].data, length);
    if (is_bundle(path))
        expect_byte("a cut", file, length);
    else
        expect("a cut", path, -1);
    put(path, whole.file[file].data, whole.file[file].length);
}

static void remove_file(void)
{
    char name[2 * PATH];
    size_t file = below(whole.count);
    snprintf(name, sizeof name, "%s/log/%s", root, whole.file[file].path);
    if (is_older(whole.file[file].path))
        return; /* may be cleared away at any time */
    unlink(name);
    expect("a removed file", whole.file[file].path, -1);
    put(whole.file[file].path, whole.file[file].data, whole.file[file].length);
}

enum change { INSERT, DELETE, SWAP };

static void change_entries(enum change change)
{
    size_t file = below(whole.count);
    while (!is_bundle(whole.file[file].path) || is_older(whole.file[file].path))
        file = below(whole.count);
    struct text entry[TILE_WIDTH + 1];
    size_t at = 0, count = 0;
    while (count < TILE_WIDTH &&
           bundle_next(whole.file[file].data, whole.file[file].length, &at, &entry[count]))
        count++;
    size_t i = below(count - 1), j = i + 1 + below(count - i - 1);
    if (change == SWAP) {
        struct text other = entry[i];
        entry[i] = entry[j];
        entry[j] = other;
    } else if (change == DELETE) {
        memmove(&entry[i], &entry[i + 1], (count-- - i - 1) * sizeof *entry);
    } else {
        memmove(&entry[i + 1], &entry[i], (count++ - i) * sizeof *entry);
        entry[i] = TEXT("{\"entry\":\"never\"}");
    }
    uint8_t *data = malloc(whole.file[file].length + 64);
    size_t length = 0;
    for (size_t n = 0; n < count; n++) {
        data[length] = (uint8_t)(entry[n].length >> 8);
        data[length + 1] = (uint8_t)entry[n].length;
        memcpy(data + length + 2, entry[n].data, entry[n].length);
        length += 2 + entry[n].length;
    }
    put(whole.file[file].path, data, length);
    free(data);
    expect("changed entries", whole.file[file].path, first_entry(whole.file[file].path) + (long)i);
    put(whole.file[file].path, whole.file[file].data, whole.file[file].length);
}

static void foreign_file(void)
{
    static const char *const names[] = {"note", "tile/0/x000", "tile/0/1000",
                                        "tile/entries/001.p/0", "tile/9"};
    const char *path = names[below(sizeof names / sizeof *names)];
    char name[2 * PATH];
    snprintf(name, sizeof name, "%s/log/%s", root, path);
    int file = open(name, O_WRONLY | O_CREAT, 0600);
    if (file >= 0) {
        close(file);
        expect("a foreign file", path, -1);
        unlink(name);
    }
}

/* A whole folder that is consistent in itself, signed by the log's own key: an older state, or
 * another history. */
static void another_folder(const struct image *image, enum verify_finding finding,
                           const char *place)
{
    put_all(image);
    struct verify_report report = judged();
    if (report.finding != finding || strncmp(report.place, place, strlen(place)) != 0)
        fail_msg("another folder: \"%s\" at \"%s\"", verify_finding_text(report.finding),
                 report.place);
    put_all(&whole);
}

static void every_tampering_is_found_at_its_place(void **state)
{
    (void)state;
    int rounds = getenv("ECLUSE_LONG") ? 10000 : 500;
    assert_int_equal(judged().finding, VERIFY_SOUND);
    for (int i = 0; i < rounds; i++) {
        switch (below(16)) {
        case 0:
            cut();
            break;
        case 1:
            remove_file();
            break;
        case 2:
        case 3:
            change_entries(INSERT);
            break;
        case 4:
        case 5:
            change_entries(DELETE);
            break;
        case 6:
        case 7:
            change_entries(SWAP);
            break;
        case 8:
            foreign_file();
            break;
        case 9:
            if (i % 8 == 0)
                another_folder(&older, VERIFY_ROLLED_BACK, "checkpoint, entry 600");
            else if (i % 8 == 1)
                another_folder(&forged, VERIFY_HISTORY_CHANGED, "an entry before 700");
            break;
        default:
            flip();
        }
    }
    assert_int_equal(judged().finding, VERIFY_SOUND);
}

/* ---- The log --------------------------------------------------------------------------------- */

static void append(uint64_t to, const char *word)
{
    struct error error;
    struct audit_log *log = NULL;
    char folder[PATH], buffer[96];
    snprintf(folder, sizeof folder, "%s/log", root);
    assert_int_equal(audit_log_open(folder, &key, &log, &error), 0);
    while (audit_log_size(log) + audit_log_staged(log) < to) {
        int length =
            snprintf(buffer, sizeof buffer, "{\"entry\":%llu,\"word\":\"%s\"}",
                     (unsigned long long)(audit_log_size(log) + audit_log_staged(log)), word);
        audit_log_stage(log, (struct text){buffer, (size_t)length});
    }
    assert_int_equal(audit_log_commit(log, &error), 0);
    memcpy(kept, audit_log_checkpoint(log).data, audit_log_checkpoint(log).length);
    cosigned = (struct text){kept, audit_log_checkpoint(log).length};
    audit_log_close(log);
}

static int begin(void **state)
{
    (void)state;
    uint8_t seed[32] = {42};
    strcpy(root, access("/dev/shm", W_OK) == 0 ? "/dev/shm/ecluse-tamper-XXXXXX"
                                               : "/tmp/ecluse-tamper-XXXXXX");
    if (!mkdtemp(root) || signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &key) != 0)
        return -1;
    char command[160];
    append(OLDER, "false");
    append(ENTRIES, "false");
    take(&forged);
    snprintf(command, sizeof command, "rm -rf %s/log", root);
    if (system(command) != 0)
        return -1;
    append(OLDER, "true");
    take(&older);
    append(ENTRIES, "true");
    take(&whole);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[160];
    drop(&whole);
    drop(&older);
    drop(&forged);
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_tampering_is_found_at_its_place, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
