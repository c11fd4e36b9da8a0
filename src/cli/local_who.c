#include "cli/local_who.h"

#include "cli/evidence_files.h"
#include "cli/files_view.h"

#include <pwd.h>
#include <stdlib.h>

/* A number as the guard of files writes it, however it was typed. */
static bool read_number(const char *typed, uint32_t *out)
{
    if (!*typed || strlen(typed) > 10 || typed[strspn(typed, "0123456789")])
        return false;
    unsigned long long number = strtoull(typed, NULL, 10);
    *out = (uint32_t)number;
    return number < UINT32_MAX;
}

static bool read_user(const char *typed, bool names, struct principal *out)
{
    uint32_t number;
    char text[16];
    if (!read_number(typed, &number)) {
        const struct passwd *known = names && *typed ? getpwnam(typed) : NULL;
        if (!known)
            return false;
        number = known->pw_uid;
    }
    snprintf(text, sizeof text, "%u", number);
    *out = principal_named(PRINCIPAL_USER, text_of(text));
    return true;
}

bool local_who_read(const char *typed, struct principal *out)
{
    static const enum principal_kind kinds[] = {PRINCIPAL_PROCESS, PRINCIPAL_SHARE};
    if (strncmp(typed, "user ", 5) == 0)
        return read_user(typed + 5, true, out);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *kind = principal_name(kinds[i]);
        size_t length = strlen(kind);
        if (strncmp(typed, kind, length) != 0 || typed[length] != ' ' || !typed[length + 1])
            continue;
        *out = principal_named(kinds[i], text_of(typed + length + 1));
        return true;
    }
    return read_user(typed, false, out);
}

char *local_who_text(const struct principal *p, char out[LOCAL_WHO_SIZE])
{
    char text[PRINCIPAL_TEXT_SIZE], name[FILES_USER_SIZE];
    uint32_t user;
    const char *of_kind = strchr(principal_text(p, text), ' ');
    if (p->kind == PRINCIPAL_USER && of_kind && read_number(of_kind + 1, &user))
        snprintf(out, LOCAL_WHO_SIZE, "user %s", files_user(user, name));
    else
        snprintf(out, LOCAL_WHO_SIZE, "%s", text);
    return out;
}

char *local_who_held(const struct situation *s, const struct hold *hold, char out[LOCAL_WHO_SIZE])
{
    local_who_text(&hold->principal, out);
    if (hold->guard != GUARD_FILES || hold->principal.kind != PRINCIPAL_PROCESS)
        return out;
    json_t *evidence = evidence_files_head(s, hold->id);
    const char *tree = json_string_value(json_object_get(evidence, "tree"));
    json_int_t user = json_integer_value(json_object_get(evidence, "user"));
    char name[FILES_USER_SIZE];
    if (tree && *tree && user >= 0 && user <= UINT32_MAX)
        snprintf(out, LOCAL_WHO_SIZE, "process %.200s of %s", tree,
                 files_user((uint32_t)user, name));
    json_decref(evidence);
    return out;
}
