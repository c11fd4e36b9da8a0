/* test_vault.h: a vault on a share to try things on. For tests only. */
#ifndef ECLUSE_FILES_TEST_VAULT_H
#define ECLUSE_FILES_TEST_VAULT_H

#include "files/test_share.h"

#include "files/vault_internal.h"

#define NOW (1000 * NANOS_DAY)

static const struct vault_who ana = {1001, 77}, bob = {1002, 78};

static inline struct vault_limits limits_of(uint64_t at_most, uint64_t per_user)
{
    return (struct vault_limits){.at_most = at_most,
                                 .per_user = per_user,
                                 .keep = 30 * NANOS_DAY,
                                 .window = NANOS_HOUR,
                                 .copy_up_to = 1 << 20};
}

static inline struct vault *vault_on(const struct share *s, uint64_t at_most, uint64_t per_user)
{
    struct vault_limits limits = limits_of(at_most, per_user);
    struct vault *v = NULL;
    struct error error = {""};
    int status = vault_open(s->path, -1, &limits, NOW, &v, &error);
    if (status < 0)
        print_error("%s\n", error.text);
    assert_int_equal(status, 0);
    return v;
}

static inline void share_or_skip(struct share *s, const char *kind, unsigned mebibytes)
{
    if (!share_begin(s, kind, mebibytes))
        skip();
}

static inline enum vault_result keep(struct vault *v, const struct share *s, const char *name,
                                     struct vault_who who, enum vault_when when, nanos_t now)
{
    int fd = look_at(s, name);
    enum vault_result result = vault_keep(v, fd, NULL, who, when, now);
    close(fd);
    return result;
}

static inline struct vault_old newest(struct vault *v, const char *name, uint64_t before)
{
    return vault_newest(v, (struct vault_file){0}, name, before);
}

static inline void expect_newest(struct vault *v, const char *name, const char *text)
{
    struct vault_old old = newest(v, name, 0);
    holds_text(old.fd, text);
    close(old.fd);
}

#endif
