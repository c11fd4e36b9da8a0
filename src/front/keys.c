#include "front/keys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static struct keyring ring;
static struct client_keys *clients;

/* Which file was read: any of these differs in another one, and in the same one written anew. */
struct seen {
    dev_t device;
    ino_t inode;
    off_t size;
    mode_t mode;
    struct timespec modified, changed;
};

static struct seen seen_of(const char *path)
{
    struct stat status;
    struct seen seen;
    memset(&seen, 0, sizeof seen); /* padding too: it is compared as bytes */
    if (stat(path, &status) != 0)
        return seen;
    seen.device = status.st_dev;
    seen.inode = status.st_ino;
    seen.size = status.st_size;
    seen.mode = status.st_mode;
    seen.modified = status.st_mtim;
    seen.changed = status.st_ctim;
    return seen;
}

/* Whether it is another file than at the last look. */
static bool is_new(struct seen *last, const char *path)
{
    struct seen seen = seen_of(path);
    bool differs = memcmp(last, &seen, sizeof seen) != 0;
    *last = seen;
    return differs;
}

/* A complaint stands until the file was read; it is made again each minute. */
struct complaint {
    bool stands;
    nanos_t said;
};

static void complain(struct complaint *complaint, nanos_t now, const char *what,
                     const struct error *error)
{
    complaint->stands = true;
    if (complaint->said && now - complaint->said < NANOS_MINUTE)
        return;
    complaint->said = now;
    log_line(LOG_LEVEL_ERROR, "%s: %s", what, error->text);
}

static void look_at_ring(const char *path, nanos_t now)
{
    static struct seen last;
    static struct complaint complaint;
    struct error error = {""};
    if (!is_new(&last, path) && !complaint.stands)
        return;
    complaint.stands = false;
    int failed = keyring_read(path, &ring, &error);
    if (failed && (failed != -ENOENT || ring.count))
        complain(&complaint, now,
                 ring.count ? "the keys of passes go on as they were" : "there are no passes",
                 &error);
}

static void look_at_clients(const char *folder, nanos_t now)
{
    static struct seen last_list, last_master;
    static struct complaint complaint;
    char list[KEYRING_PATH_SIZE + 16], master[KEYRING_PATH_SIZE + 16];
    struct error error = {""};
    struct client_keys *read;
    snprintf(list, sizeof list, "%s/client.keys", folder);
    snprintf(master, sizeof master, "%s/client.master", folder);
    bool differs = is_new(&last_list, list);
    differs = is_new(&last_master, master) || differs;
    if (!differs && !complaint.stands)
        return;
    complaint.stands = false;
    if (client_keys_read(folder, &read, &error) != 0) {
        complain(&complaint, now, "clients' keys go on as they were", &error);
        return;
    }
    client_keys_free(clients);
    clients = read;
}

void keys_look(const struct contract *c, nanos_t now)
{
    char path[KEYRING_PATH_SIZE], folder[KEYRING_PATH_SIZE];
    if (keyring_path(c, path) != 0 || keyring_folder(c, folder) != 0)
        return;
    look_at_ring(path, now);
    look_at_clients(folder, now);
}

void keys_close(void)
{
    client_keys_free(clients);
    clients = NULL;
    keyring_wipe(&ring);
}

const struct keyring *keys_ring(void)
{
    return &ring;
}

const struct client_keys *keys_clients(void)
{
    return clients;
}
