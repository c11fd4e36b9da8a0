#include "cli/key_turn.h"

#include "gate/keyring.h"
#include "outputs/secret.h"

#include <unistd.h>

static bool tell(struct bulletin *bulletin, const char *reason)
{
    if (strncmp(bulletin->keys, reason, sizeof bulletin->keys - 1) == 0)
        return false;
    snprintf(bulletin->keys, sizeof bulletin->keys, "%s", reason);
    return true;
}

bool key_turn(const struct contract *c, int group, struct chronicle *chronicle, nanos_t now,
              struct bulletin *bulletin)
{
    static nanos_t next;
    static char looked_at[KEYRING_PATH_SIZE];
    static struct secret_look left; /* as it was left: a removed one is made again at once */
    char path[KEYRING_PATH_SIZE];
    struct error error = {""};
    int code = keyring_path(c, path);
    if (code < 0)
        return false;
    struct secret_look look = secret_look(path);
    if (now < next && strcmp(path, looked_at) == 0 && secret_looks_alike(&look, &left))
        return false;
    next = now + NANOS_HOUR;
    memcpy(looked_at, path, sizeof looked_at);
    code = keyring_rotate(path, clock_wall() / NANOS_SECOND, c->passes.rotate / NANOS_SECOND, group,
                          &error);
    left = secret_look(path);
    if (code > 0)
        chronicle_say(chronicle, ACT_PASS_KEYS, "pass keys", "one was added; each signs for %lld d",
                      (long long)(c->passes.rotate / NANOS_DAY));
    if (code >= 0)
        return tell(bulletin, "");
    log_line(LOG_LEVEL_ERROR, "the keys of passes are not looked after: %s", error.text);
    chronicle_say(chronicle, ACT_ALARM, "pass keys", "they are not looked after: %s", error.text);
    return tell(bulletin, error.text);
}
