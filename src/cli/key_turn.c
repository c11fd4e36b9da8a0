#include "cli/key_turn.h"

#include "gate/keyring.h"

#include <unistd.h>

void key_turn(const struct contract *c, int group, struct chronicle *chronicle, nanos_t now)
{
    static nanos_t next;
    static char looked_at[KEYRING_PATH_SIZE];
    static bool failed;
    char path[KEYRING_PATH_SIZE];
    struct error error = {""};
    int code = keyring_path(c, path);
    if (code < 0)
        return;
    bool due = now >= next || strcmp(path, looked_at) != 0;
    if (!due && (failed || access(path, F_OK) == 0)) /* a removed one is made again at once */
        return;
    next = now + NANOS_HOUR;
    memcpy(looked_at, path, sizeof looked_at);
    code = keyring_rotate(path, clock_wall() / NANOS_SECOND, c->passes.rotate / NANOS_SECOND, group,
                          &error);
    failed = code < 0;
    if (code > 0)
        chronicle_say(chronicle, ACT_PASS_KEYS, "pass keys", "one was added; each signs for %lld d",
                      (long long)(c->passes.rotate / NANOS_DAY));
    if (code >= 0)
        return;
    log_line(LOG_LEVEL_ERROR, "the keys of passes are not looked after: %s", error.text);
    chronicle_say(chronicle, ACT_ALARM, "pass keys", "they are not looked after: %s", error.text);
}
