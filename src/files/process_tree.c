#include "files/process_tree.h"

#include <inttypes.h>
#include <stdio.h>

static void name_tree(struct text text, char out[TREE_NAME_SIZE])
{
    enum { HASH = 17 };
    size_t length = text.length < TREE_NAME_SIZE ? text.length : TREE_NAME_SIZE - 1 - HASH;
    for (size_t i = 0; i < length; i++)
        out[i] = text.data[i] > ' ' && text.data[i] < 0x7f ? text.data[i] : '?';
    out[length] = 0;
    if (length < text.length)
        snprintf(out + length, TREE_NAME_SIZE - length, "#%016" PRIx64,
                 hash_checksum(0, text.data, text.length));
}

static bool ends_with(struct text text, const char *end)
{
    size_t length = strlen(end);
    return text.length > length && memcmp(text.data + text.length - length, end, length) == 0;
}

/* The next component of a path, taken off it. */
static struct text take_component(struct text *path)
{
    while (path->length && *path->data == '/') {
        path->data++;
        path->length--;
    }
    const char *slash = path->length ? memchr(path->data, '/', path->length) : NULL;
    struct text component = {path->data, slash ? (size_t)(slash - path->data) : path->length};
    path->data += component.length;
    path->length -= component.length;
    return component;
}

static bool unit_of(struct text path, char out[TREE_NAME_SIZE])
{
    for (struct text part = take_component(&path); part.length; part = take_component(&path))
        if (ends_with(part, ".service") || ends_with(part, ".scope")) {
            name_tree(part, out);
            return true;
        }
    return false;
}

static bool container_of(struct text path, char out[TREE_NAME_SIZE])
{
    struct text whole = path;
    struct text first = take_component(&path), second = take_component(&path);
    if (!first.length)
        return false;
    whole.length =
        (size_t)((second.length ? second.data + second.length : first.data + first.length) -
                 whole.data);
    name_tree(whole, out);
    return true;
}

/* The path of the line `key` names: "0::" of version 2, "name=systemd:" of version 1. */
static bool path_of(struct text groups, const char *key, struct text *path)
{
    const char *at = groups.data, *end = groups.data + groups.length;
    while (at && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct text line = {at, (size_t)((stop ? stop : end) - at)};
        const char *found = memmem(line.data, line.length, key, strlen(key));
        if (found && (key[0] != '0' || found == line.data)) {
            found += strlen(key);
            *path = (struct text){found, (size_t)(line.data + line.length - found)};
            if (ends_with(*path, " (deleted)"))
                path->length -= strlen(" (deleted)");
            return path->length && *found == '/';
        }
        at = stop ? stop + 1 : NULL;
    }
    return false;
}

bool tree_of_group(struct text groups, char out[TREE_NAME_SIZE])
{
    struct text path;
    return (path_of(groups, "0::", &path) && unit_of(path, out)) ||
           (path_of(groups, ":name=systemd:", &path) && unit_of(path, out)) ||
           (path_of(groups, "0::", &path) && container_of(path, out));
}

void tree_of_login(uint32_t login, char out[TREE_NAME_SIZE])
{
    snprintf(out, TREE_NAME_SIZE, "login %" PRIu32, login);
}

bool tree_of_ancestors(pid_t process, tree_reader read, void *context, char out[TREE_NAME_SIZE])
{
    struct tree_ancestor self = {0}, above = {0};
    if (!read(context, process, &self))
        return false;
    uid_t real = self.real;
    pid_t at = self.parent;
    for (int depth = 0; at > 1 && depth < TREE_DEPTH; depth++) {
        if (!read(context, at, &above)) {
            at = 1; /* it died meanwhile: what it left belongs to process 1 */
            break;
        }
        if (above.real != real)
            break;
        at = above.parent;
    }
    if (at > 1)
        snprintf(out, TREE_NAME_SIZE, "%u below %d/%" PRIu64, real, at, above.began);
    else
        snprintf(out, TREE_NAME_SIZE, "%u below 1", real);
    return true;
}

bool tree_is_journal(const char *name)
{
    return strcmp(name, "systemd-journald.service") == 0 ||
           (strncmp(name, "systemd-journald@", 17) == 0 && strstr(name, ".service"));
}
