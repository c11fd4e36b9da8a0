#include "audit/log.h"
#include "audit/verify.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64], folder[80];
static struct signer_key key, witness;
static char cosigned[4096];
static size_t cosigned_length;

static void shell(const char *format, const char *a, const char *b)
{
    char command[1200];
    snprintf(command, sizeof command, format, a, b);
    assert_int_equal(system(command), 0);
}

static void grow(unsigned batches, unsigned each)
{
    struct audit_log *log;
    struct error error = {""};
    if (audit_log_open(folder, &key, &log, &error) != 0)
        fail_msg("%s", error.text);
    for (unsigned i = 0; i < batches; i++) {
        for (unsigned j = 0; j < each; j++) {
            char entry[64];
            int length = snprintf(entry, sizeof entry, "entry %u of batch %u, %llu before", j, i,
                                  (unsigned long long)audit_log_size(log));
            assert_true(audit_log_stage(log, (struct text){entry, (size_t)length}) >= 0);
        }
        assert_int_equal(audit_log_commit(log, &error), 0);
    }
    audit_log_close(log);
}

/* A witness cosigns what the log has now; the supervisor keeps it outside. */
static void keep_cosigned(void)
{
    struct audit_log *log;
    struct error error;
    struct note note;
    struct writer w = writer_on(cosigned, sizeof cosigned);
    assert_int_equal(audit_log_open(folder, &key, &log, &error), 0);
    assert_int_equal(note_parse(audit_log_checkpoint(log), &note), 0);
    write_text(&w, audit_log_checkpoint(log));
    note_sign(&witness, note.body, 1795183380, &w);
    cosigned_length = w.length;
    audit_log_close(log);
}

static int begin(void **state)
{
    (void)state;
    uint8_t seed[32] = {42}, other[32] = {43};
    strcpy(top, "/tmp/ecluse-verify-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(folder, sizeof folder, "%s/audit", top);
    signer_key_make("ecluse.example/log", NOTE_KEY_LOG, seed, &key);
    signer_key_make("witness.example/w1", NOTE_KEY_COSIGNER, other, &witness);
    grow(3, 20);
    grow(2, 400);
    keep_cosigned();
    grow(3, 10);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shell("rm -rf %s%s", top, "");
    return 0;
}

static struct verify_report verified(void)
{
    struct verify_options options = {
        .key = &key.verifier,
        .cosigned = {cosigned, cosigned_length},
        .witnesses = &witness.verifier,
        .witness_count = 1,
    };
    struct verify_report report;
    assert_int_equal(audit_verify(folder, &options, &report), 0);
    return report;
}

static void a_sound_log_is_sound(void **state)
{
    (void)state;
    struct verify_report report = verified();
    if (report.finding != VERIFY_SOUND)
        fail_msg("%s: %s", verify_finding_text(report.finding), report.place);
    assert_int_equal(report.size, 890);
    assert_true(report.key_authenticated);
    assert_true(report.rollback_excluded);
    assert_int_equal(report.cosigned_size, 860);
}

static void what_cannot_be_excluded_is_said(void **state)
{
    (void)state;
    struct verify_options options = {.key = NULL};
    struct verify_report report;
    assert_int_equal(audit_verify(folder, &options, &report), 0);
    assert_int_equal(report.finding, VERIFY_SOUND);
    assert_false(report.key_authenticated);
    assert_false(report.rollback_excluded);
    assert_non_null(strstr(report.key_text, "ecluse.example/log+"));
}

static void write_at(const char *name, long offset, char flip)
{
    char path[300], byte;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= flip;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

static void a_changed_byte_is_found_at_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        long offset;
        enum verify_finding finding;
        const char *place;
    } cases[] = {
        {"tile/entries/001", 7, VERIFY_ENTRY_CHANGED, "tile/entries/001, entry 256"},
        {"tile/entries/003.p/122", 9, VERIFY_ENTRY_CHANGED, "tile/entries/003.p/122, entry 768"},
        {"tile/0/002", 33, VERIFY_ENTRY_CHANGED, "entry 513"},
        {"tile/1/000.p/3", 40, VERIFY_TILE_CHANGED, "tile/1/000.p/3, hash 1"},
        {"tile/entries/003.p/102", 9, VERIFY_MALFORMED, "tile/entries/003.p/102"},
        {"tile/0/003.p/112", 9, VERIFY_MALFORMED, "tile/0/003.p/112"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_at(cases[i].file, cases[i].offset, 4);
        struct verify_report report = verified();
        write_at(cases[i].file, cases[i].offset, 4);
        if (report.finding != cases[i].finding || !strstr(report.place, cases[i].place))
            fail_msg("case %zu: %s at %s", i, verify_finding_text(report.finding), report.place);
    }
    assert_int_equal(verified().finding, VERIFY_SOUND);
}

static void a_missing_or_foreign_file_is_found(void **state)
{
    (void)state;
    shell("mv %s/tile/entries/001 %s/kept", folder, top);
    assert_int_equal(verified().finding, VERIFY_MISSING);
    shell("mv %s/kept %s/tile/entries/001", top, folder);
    static const char *const foreign[] = {"notes.txt", "tile/entries/1", "tile/entries/001.p/0",
                                          "tile/9", "tile/0/x000/001"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", folder, foreign[i]);
        shell("mkdir -p $(dirname %s) && touch %s", path, path);
        struct verify_report report = verified();
        if (report.finding != VERIFY_FOREIGN_FILE || strcmp(report.place, foreign[i]) != 0)
            fail_msg("%s: %s at %s", foreign[i], verify_finding_text(report.finding), report.place);
        shell("rm %s && rmdir -p --ignore-fail-on-non-empty $(dirname %s)", path, path);
    }
}

/* The whole folder is put back to an older valid state: only what somebody else kept can show
 * it. */
static void a_log_rolled_back_is_found_by_what_was_kept_outside(void **state)
{
    (void)state;
    shell("mv %s %s/kept", folder, top);
    grow(1, 100);
    struct verify_report report = verified();
    assert_int_equal(report.finding, VERIFY_ROLLED_BACK);
    grow(1, 900);
    report = verified();
    assert_int_equal(report.finding, VERIFY_HISTORY_CHANGED);
    char kept[100];
    snprintf(kept, sizeof kept, "%s/kept", top);
    shell("rm -r %s%s", folder, "");
    shell("mv %s %s", kept, folder);
}

static void a_cosigned_checkpoint_of_another_log_is_refused(void **state)
{
    (void)state;
    cosigned[0] ^= 1;
    assert_int_equal(verified().finding, VERIFY_BAD_COSIGNED);
    cosigned[0] ^= 1;
    cosigned[cosigned_length - 10] ^= 1; /* in the witness's signature */
    assert_int_equal(verified().finding, VERIFY_BAD_COSIGNED);
    cosigned[cosigned_length - 10] ^= 1;
    assert_int_equal(verified().finding, VERIFY_SOUND);
}

static void another_key_is_told_apart(void **state)
{
    (void)state;
    struct verify_options options = {.key = &witness.verifier};
    struct verify_report report;
    assert_int_equal(audit_verify(folder, &options, &report), 0);
    assert_int_equal(report.finding, VERIFY_BAD_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_log_is_sound),
        cmocka_unit_test(what_cannot_be_excluded_is_said),
        cmocka_unit_test(a_changed_byte_is_found_at_its_place),
        cmocka_unit_test(a_missing_or_foreign_file_is_found),
        cmocka_unit_test(a_cosigned_checkpoint_of_another_log_is_refused),
        cmocka_unit_test(another_key_is_told_apart),
        cmocka_unit_test(a_log_rolled_back_is_found_by_what_was_kept_outside),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
