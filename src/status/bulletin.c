#include "status/bulletin.h"

#include "status/figure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BULLETIN_LEAF "supervisor.json"

static int write_whole(const char *path, const char *text, struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    size_t length = strlen(text);
    ssize_t written = write(descriptor, text, length);
    int code = written == (ssize_t)length ? 0 : written < 0 ? -errno : -ENOSPC;
    if (code == 0 && fchmod(descriptor, 0644) != 0)
        code = -errno;
    if (close(descriptor) != 0 && code == 0)
        code = -errno;
    return code ? error_set(error, code, "%s: %s", path, strerror(-code)) : 0;
}

static json_t *child_json(const struct bulletin_child *child)
{
    return json_pack("{s:b,s:i,s:I,s:i}", "wanted", (int)child->wanted, "pid", child->pid, "since",
                     (json_int_t)child->since, "deaths", (int)child->deaths);
}

int bulletin_write(const char *runtime, const struct bulletin *j, struct error *error)
{
    json_t *object =
        json_pack("{s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:b}", "file", json_safe(j->file), "started",
                  (json_int_t)j->started, "taken", (json_int_t)j->taken, "refused",
                  (json_int_t)j->refused, "reason", json_safe(j->reason), "keeper",
                  child_json(&j->keeper), "desk", child_json(&j->desk), "keys",
                  json_safe(j->keys), "interface_missing", (int)j->interface_missing);
    char *text = json_dumps(object, JSON_INDENT(1));
    json_decref(object);
    must(text != NULL);
    char path[CONTRACT_PATH_SIZE + 32], temporary[CONTRACT_PATH_SIZE + 40];
    snprintf(path, sizeof path, "%s/" BULLETIN_LEAF, runtime);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int code = write_whole(temporary, text, error);
    free(text);
    if (code == 0 && rename(temporary, path) != 0)
        code = error_set(error, -errno, "%s: %s", path, strerror(errno));
    return code;
}

static nanos_t time_of(const json_t *object, const char *key)
{
    return (nanos_t)json_integer_value(json_object_get(object, key));
}

static struct bulletin_child child_of(const json_t *object, const char *key)
{
    const json_t *child = json_object_get(object, key);
    return (struct bulletin_child){.wanted = json_is_true(json_object_get(child, "wanted")),
                                   .pid = (int)time_of(child, "pid"),
                                   .since = time_of(child, "since"),
                                   .deaths = (unsigned)time_of(child, "deaths")};
}

static void text_into(char *out, size_t size, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text ? text : "");
}

int bulletin_read(const char *runtime, struct bulletin *out)
{
    char path[CONTRACT_PATH_SIZE + 32], text[8192];
    snprintf(path, sizeof path, "%s/" BULLETIN_LEAF, runtime);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return errno == ENOENT ? -ENOENT : -EPROTO;
    ssize_t length = read(descriptor, text, sizeof text);
    close(descriptor);
    json_t *object = length > 0 ? json_loadb(text, (size_t)length, 0, NULL) : NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return -EPROTO;
    }
    struct bulletin j = {
        .started = time_of(object, "started"),
        .taken = time_of(object, "taken"),
        .refused = time_of(object, "refused"),
        .keeper = child_of(object, "keeper"),
        .desk = child_of(object, "desk"),
        .interface_missing = json_is_true(json_object_get(object, "interface_missing")),
    };
    text_into(j.file, sizeof j.file, object, "file");
    text_into(j.reason, sizeof j.reason, object, "reason");
    text_into(j.keys, sizeof j.keys, object, "keys");
    json_decref(object);
    *out = j;
    return 0;
}
