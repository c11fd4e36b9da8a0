#include "access/operator.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
} roles[] = {
#define X(constant, name, text) {name},
    OPERATOR_ROLES(X)
#undef X
};

const char *role_name(enum operator_role role)
{
    return role < ROLE_COUNT ? roles[role].name : "unknown";
}

bool role_named(struct text name, enum operator_role *out)
{
    for (enum operator_role role = 0; role < ROLE_COUNT; role++) {
        if (text_is(name, roles[role].name)) {
            *out = role;
            return true;
        }
    }
    return false;
}

bool operator_name_is_allowed(struct text name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_'))
            return false;
    }
    return name.length > 0 && name.length < OPERATOR_NAME_SIZE;
}

/* ---- The file -------------------------------------------------------------------------------- */

static int path_of(const char *state, const char *name, char *out, size_t size)
{
    return snprintf(out, size, "%s/access/%s", state, name) < (int)size ? 0 : -ENAMETOOLONG;
}

/* "name role must_change last totp password": the password's hash has no spaces. */
static bool line_parse(const char *line, struct operator* out)
{
    char role[16], secret[2 * TOTP_SECRET_SIZE + 1];
    int must_change = 0;
    unsigned long long last = 0;
    size_t length = 0;
    struct operator operator= {.name = ""};
    static_assert(OPERATOR_NAME_SIZE == 41 && OPERATOR_HASH_SIZE == 128 && TOTP_SECRET_SIZE == 20,
                  "the widths below");
    if (sscanf(line, "%40s %15s %d %llu %40s %127s", operator.name, role, &must_change, &last,
               secret, operator.password) != 6)
        return false;
    if (!operator_name_is_allowed(text_of(operator.name)) ||
        !role_named(text_of(role), &operator.role) ||
        sodium_hex2bin(operator.totp, sizeof operator.totp, secret, strlen(secret), NULL, &length,
                       NULL) != 0 ||
        length != sizeof operator.totp || strncmp(operator.password, "$argon2id$", 10) != 0)
        return false;
    operator.must_change = must_change != 0;
    operator.totp_last = last;
    sodium_memzero(secret, sizeof secret);
    *out = operator;
    return true;
}

static int read_lines(FILE *file, const char *path, struct operators *out, struct error *error)
{
    char line[512];
    out->count = 0;
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        if (out->count == OPERATOR_MAX || !line_parse(line, &out->operator[out->count]))
            return error_set(error, -EBADMSG, "%s:%u: is not a line of an operator", path, number);
        out->count++;
    }
    sodium_memzero(line, sizeof line);
    return ferror(file) ? error_set(error, -EIO, "%s cannot be read", path) : 0;
}

int operators_load(const char *state, struct operators *out, struct error *error)
{
    char path[320];
    struct stat about;
    int failed = path_of(state, "operators", path, sizeof path);
    int descriptor = failed ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (!failed && descriptor < 0 && errno == ENOENT) {
        out->count = 0;
        return error_set(error, -ENOENT,
                         "there are no operators yet: add one with `ecluse operator add NAME "
                         "--role administer`");
    }
    if (descriptor < 0)
        return error_set(error, failed ? failed : -errno, "%s cannot be opened: %s", path,
                         strerror(errno));
    FILE *file = fdopen(descriptor, "r");
    if (fstat(descriptor, &about) < 0 || (about.st_mode & 077) != 0)
        failed = error_set(error, -EPERM, "%s may be read by others: its mode must be 0600", path);
    if (!failed)
        failed = read_lines(file, path, out, error);
    fclose(file);
    return failed;
}

static void write_line(FILE *file, const struct operator* operator)
{
    char secret[2 * TOTP_SECRET_SIZE + 1];
    sodium_bin2hex(secret, sizeof secret, operator->totp, sizeof operator->totp);
    fprintf(file, "%s %s %d %llu %s %s\n", operator->name,
            role_name(operator->role), operator->must_change,
            (unsigned long long)operator->totp_last, secret, operator->password);
    sodium_memzero(secret, sizeof secret);
}

static int save(const char *state, const struct operators *operators, struct error *error)
{
    char path[320], temporary[330], folder[320];
    path_of(state, "operators", path, sizeof path);
    path_of(state, "", folder, sizeof folder);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return error_set(error, -errno, "%s cannot be made: %s", temporary, strerror(errno));
    struct stat about;
    if (geteuid() == 0 && stat(folder, &about) == 0 &&
        fchown(descriptor, about.st_uid, about.st_gid) < 0)
        log_line(LOG_LEVEL_WARNING,
                 "the operators' file could not be given to the owner of its folder");
    FILE *file = fdopen(descriptor, "w");
    for (size_t i = 0; i < operators->count; i++)
        write_line(file, &operators->operator[i]);
    bool written = fflush(file) == 0 && fsync(descriptor) == 0;
    fclose(file);
    if (!written || rename(temporary, path) < 0) {
        int failed = error_set(error, errno ? -errno : -EIO, "%s cannot be written: %s", path,
                               strerror(errno));
        unlink(temporary);
        return failed;
    }
    int top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top >= 0) {
        fsync(top);
        close(top);
    }
    return 0;
}

int operators_change(const char *state, int (*change)(void *context, struct operators *operators),
                     void *context, struct error *error)
{
    char folder[320], lock_path[330];
    path_of(state, "", folder, sizeof folder);
    path_of(state, "lock", lock_path, sizeof lock_path);
    mkdir(state, 0755); /* the first operator may come before the first `ecluse run` */
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made: %s", folder, strerror(errno));
    struct operators *operators = malloc(sizeof *operators);
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat about;
    if (lock >= 0 && geteuid() == 0 && stat(folder, &about) == 0 &&
        fchown(lock, about.st_uid, about.st_gid) < 0)
        log_line(LOG_LEVEL_WARNING,
                 "the operators' lock could not be given to the owner of its folder");
    int failed =
        !operators || lock < 0 ? error_set(error, -EIO, "%s cannot be locked", lock_path) : 0;
    if (!failed && flock(lock, LOCK_EX) < 0)
        failed = error_set(error, -errno, "%s cannot be locked: %s", lock_path, strerror(errno));
    if (!failed)
        failed = operators_load(state, operators, error);
    if (failed == -ENOENT)
        failed = 0; /* the first operator makes the file */
    if (!failed)
        failed = change(context, operators);
    if (!failed)
        failed = save(state, operators, error);
    if (lock >= 0)
        close(lock);
    if (operators) {
        sodium_memzero(operators, sizeof *operators);
        free(operators);
    }
    return failed;
}

/* ---- One operator ---------------------------------------------------------------------------- */

struct operator* operators_find(struct operators *operators, struct text name)
{
    for (size_t i = 0; i < operators->count; i++)
        if (text_is(name, operators->operator[i].name))
            return &operators->operator[i];
    return NULL;
}

bool operator_password_is_right(const struct operator* operator, struct text password)
{
    return password.length <= OPERATOR_PASSWORD_MAX &&
           crypto_pwhash_str_verify(operator->password, password.data, password.length) == 0;
}

int operator_set_password(struct operator* operator, struct text password, struct error *error)
{
    if (!password.data || password.length < OPERATOR_PASSWORD_MIN ||
        password.length > OPERATOR_PASSWORD_MAX)
        return error_set(error, -EINVAL, "a password has %d to %d characters",
                         OPERATOR_PASSWORD_MIN, OPERATOR_PASSWORD_MAX);
    if (memmem(password.data, password.length, operator->name, strlen(operator->name)))
        return error_set(error, -EINVAL, "a password does not contain the operator's name");
    char hash[crypto_pwhash_STRBYTES];
    static_assert(sizeof hash <= sizeof operator->password, "the hash fits");
    if (crypto_pwhash_str(hash, password.data, password.length, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return error_set(error, -ENOMEM, "out of memory");
    memset(operator->password, 0, sizeof operator->password);
    memcpy(operator->password, hash, strlen(hash));
    return 0;
}

int operator_add(struct operators *operators, struct text name, enum operator_role role,
                 struct text password, struct error *error)
{
    if (!operator_name_is_allowed(name))
        return error_set(error, -EINVAL,
                         "a name has 1 to %d letters, digits, dots, dashes or underscores",
                         OPERATOR_NAME_SIZE - 1);
    if (operators_find(operators, name))
        return error_set(error, -EEXIST, "there is an operator of that name");
    if (operators->count == OPERATOR_MAX)
        return error_set(error, -ENOSPC, "there are %d operators already", OPERATOR_MAX);
    struct operator operator= {.role = role};
    memcpy(operator.name, name.data, name.length);
    int failed = operator_set_password(&operator, password, error);
    if (failed)
        return failed;
    totp_secret_new(operator.totp);
    operators->operator[operators->count++] = operator;
    return 0;
}

/* For names that do not exist: the hash of a password that nobody has, made once, so that the
 * answer takes as long. */
static const char *nobody(void)
{
    static char hash[crypto_pwhash_STRBYTES];
    uint8_t secret[32];
    if (!hash[0]) {
        randombytes_buf(secret, sizeof secret);
        must(crypto_pwhash_str(hash, (const char *)secret, sizeof secret,
                               crypto_pwhash_OPSLIMIT_INTERACTIVE,
                               crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0);
    }
    return hash;
}

bool operator_check(struct operators *operators, struct text name, struct text password,
                    struct text code, int64_t now, struct operator** out)
{
    struct operator* operator= operators_find(operators, name);
    const char *hash = operator? operator->password : nobody();
    bool right = password.length <= OPERATOR_PASSWORD_MAX &&
                 crypto_pwhash_str_verify(hash, password.data, password.length) == 0;
    if (!operator|| !right || !totp_check(operator->totp, code, now, &operator->totp_last))
        return false;
    *out = operator;
    return true;
}
