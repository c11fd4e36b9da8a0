/* bench-vault SHARE FILES SIZE: what the vault costs on a share, an XFS or another file system that
 * nothing else uses. bench/vault makes one and calls this.
 *
 * Makes FILES files of SIZE bytes in folders of a hundred, keeps each, looks each up, opens the
 * vault again, rewrites each, keeps it, and puts all back. Prints a line a figure. */
#include "files/restore.h"
#include "files/vault_service.h"
#include "files/vault_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

static uint64_t used(const char *share)
{
    struct statvfs fs;
    sync();
    must(statvfs(share, &fs) == 0);
    return (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
}

static void name_of(char out[4096], const char *share, unsigned i)
{
    snprintf(out, 4096, "%s/folder %u/document %u.odt", share, i / 100, i);
}

static void fill(char *bytes, size_t size, uint64_t key)
{
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word = siphash_words3((struct hash_key){key, 1}, i, 2, 3) & 0x3f3f3f3f3f3f3f3f;
        memcpy(bytes + i, &word, 8);
    }
}

static void write_all(const char *share, unsigned files, size_t size, uint64_t key)
{
    char name[4096], *bytes = malloc(size + 8);
    must(bytes != NULL);
    for (unsigned i = 0; i < files; i++) {
        snprintf(name, sizeof name, "%s/folder %u", share, i / 100);
        must(i % 100 || mkdir(name, 0755) == 0 || errno == EEXIST);
        name_of(name, share, i);
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        fill(bytes, size < 64 ? size : 64, key + i);
        must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
        close(fd);
    }
    free(bytes);
}

static int by_value(const void *one, const void *other)
{
    const nanos_t *a = one, *b = other;
    return *a < *b ? -1 : *a > *b;
}

static void tell(const char *what, nanos_t *each, unsigned count)
{
    nanos_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += each[i];
    qsort(each, count, sizeof *each, by_value);
    printf("%-46s median %6.1f us, 99 %% below %6.1f us, %6.2f s in all\n", what,
           (double)each[count / 2] / 1000, (double)each[count - 1 - count / 100] / 1000,
           (double)sum / NANOS_SECOND);
}

static void keep_all(struct vault *v, const char *share, unsigned files, enum vault_when when,
                     nanos_t *each)
{
    struct vault_who who = {.user = 1000, .tree = 7};
    char name[4096];
    for (unsigned i = 0; i < files; i++) {
        name_of(name, share, i);
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        must(fd >= 0);
        nanos_t began = clock_boot();
        enum vault_result result = vault_keep(v, fd, NULL, who, when, clock_wall());
        each[i] = clock_boot() - began;
        must(result == VAULT_KEPT || result == VAULT_ALREADY || result == VAULT_NOTHING);
        close(fd);
    }
}

static struct vault *open_vault(const char *share)
{
    struct vault_limits limits = {.at_most = UINT64_MAX / 2,
                                  .per_user = UINT64_MAX / 2,
                                  .keep = 30 * NANOS_DAY,
                                  .window = NANOS_HOUR,
                                  .copy_up_to = 64000000};
    struct vault *v;
    struct error error;
    if (vault_open(share, -1, &limits, clock_wall(), &v, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    return v;
}

static void restore_all(const char *share, nanos_t since)
{
    struct restore *r;
    struct error error = {""};
    nanos_t began = clock_boot();
    struct restore_request request = {.since = since};
    must(restore_open(share, &request, &r, &error) == 0);
    size_t count = restore_count(r), done = 0;
    nanos_t planned = clock_boot();
    for (size_t i = 0; i < count; i++)
        done += restore_put(r, i, true, -1, NULL, &error) == RESTORE_DONE;
    restore_close(r);
    printf("%-46s %zu of %zu files, plan %.2f s, putting back %.2f s (%.1f us a file)\n", "restore",
           done, count, (double)(planned - began) / NANOS_SECOND,
           (double)(clock_boot() - planned) / NANOS_SECOND,
           (double)(clock_boot() - planned) / 1000 / (double)(count ? count : 1));
}

/* What the listener asks before it asks anybody: with the marks of all files in the table. */
static void look_up(struct vault *v, const char *share, unsigned files)
{
    struct vault_view *view;
    struct error error;
    struct stat status;
    char name[4096];
    must(vault_view_create(share, "bench", &error) == 0 &&
         vault_view_open(share, "bench", true, &view, &error) == 0);
    vault_view_begin(view, vault_key(v));
    unsigned found = 0;
    for (unsigned i = 0; i < files; i++) {
        name_of(name, share, i);
        must(stat(name, &status) == 0);
        vault_view_mark(view, vault_mark(vault_key(v), &status), true);
    }
    enum { ROUNDS = 2000000 };
    nanos_t began = clock_boot();
    for (unsigned i = 0; i < ROUNDS; i++) {
        status.st_ino++; /* one of the files, or one that is not there */
        found += vault_view_has(view, &status);
    }
    printf("%-46s %.0f ns (%u found)\n", "looking whether a version is kept",
           (double)(clock_boot() - began) / ROUNDS, found);
    vault_view_close(view);
    snprintf(name, sizeof name, "%s/vault.bench", share);
    unlink(name);
}

static void judge(const char *share, size_t size, bool noise)
{
    enum { ROUNDS = 200 };
    struct rewrite_figures figures;
    nanos_t each[ROUNDS];
    char name[2][4096], what[64], *bytes = malloc(size + 8);
    int fd[2];
    must(bytes != NULL);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(name[i], sizeof name[i], "%s/judged %u", share, i);
        fd[i] = open(name[i], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        fill(bytes, size, i);
        for (size_t k = 0; i && noise && k < size; k++)
            bytes[k] = (char)siphash_words3((struct hash_key){9, 9}, k, 1, 1);
        must(fd[i] >= 0 && write(fd[i], bytes, size) == (ssize_t)size);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        nanos_t began = clock_boot();
        rewrite_judge(fd[0], fd[1], true, i, &figures);
        each[i] = clock_boot() - began;
    }
    snprintf(what, sizeof what, "judging %zu KiB: %s", size / 1024,
             rewrite_ground_name((enum rewrite_ground)figures.ground));
    tell(what, each, ROUNDS);
    for (unsigned i = 0; i < 2; i++) {
        close(fd[i]);
        unlink(name[i]);
    }
    free(bytes);
}

int main(int count, char **words)
{
    if (count != 4) {
        fprintf(stderr, "usage: bench-vault SHARE FILES SIZE\n");
        return 2;
    }
    const char *share = words[1];
    unsigned files = (unsigned)atoi(words[2]);
    size_t size = (size_t)atol(words[3]);
    nanos_t *each = calloc(files, sizeof *each);
    must(each != NULL && files > 0);
    write_all(share, files, size, 1);
    uint64_t before = used(share), data = (uint64_t)files * size;
    struct vault *v = open_vault(share);
    uint64_t empty = used(share); /* with the reserve */
    keep_all(v, share, files, VAULT_FOUND, each);
    tell("keep, first pass (files on disk)", each, files);
    uint64_t after = used(share);
    struct vault_state state;
    vault_state(v, &state);
    double meta = (double)(after - empty);
    printf("%-46s %.0f bytes a file (log %.0f), %.2f %% of %.1f GB; reserve %.1f MB\n",
           "footprint, unchanged", meta / files, (double)state.log_bytes / files,
           meta * 100 / (double)data, (double)data / 1e9, (double)(empty - before) / 1e6);
    printf("%-46s %.0f bytes\n", "mean file at which metadata is 2 %", meta / files * 50);
    keep_all(v, share, files, VAULT_FOUND, each);
    tell("keep, already there", each, files);
    look_up(v, share, files);
    judge(share, 64 << 10, true);
    judge(share, 64 << 10, false);
    judge(share, 64 << 20, true);
    vault_close(v);
    nanos_t began = clock_boot();
    v = open_vault(share);
    printf("%-46s %.2f s\n", "opening the vault again",
           (double)(clock_boot() - began) / NANOS_SECOND);
    nanos_t since = clock_wall();
    write_all(share, files, size, 2);
    keep_all(v, share, files, VAULT_CLOSED, each);
    tell("keep, rewritten and still dirty", each, files);
    printf("%-46s %.2f of the data\n", "footprint, every file rewritten once",
           (double)(used(share) - empty) / (double)data);
    vault_close(v);
    restore_all(share, since);
    free(each);
    return 0;
}
