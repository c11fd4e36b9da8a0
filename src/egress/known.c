#include "egress/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLE = 4 * KNOWN_MOST, PATH_SIZE = 512 };

#define KNOWN_MAGIC UINT64_C(0x31776e6b65736c63)

struct known_host {
    struct egress_host host;
    int32_t first, last; /* days since 1970; first of an empty place is 0 */
};

struct known_header {
    uint64_t magic;
    int64_t born; /* wall clock; 0: a file that was damaged has no first day */
    uint64_t count, check;
};

struct known {
    char path[PATH_SIZE];
    struct hash_key key;
    int64_t born;
    size_t count;
    bool changed;
    struct known_host host[TABLE];
};

static int32_t day_of(nanos_t wall)
{
    return (int32_t)(wall / NANOS_DAY) > 0 ? (int32_t)(wall / NANOS_DAY) : 1;
}

static struct known_host *place_of(struct known *k, const struct egress_host *host)
{
    size_t i = siphash(k->key, host, sizeof *host) % TABLE;
    while (k->host[i].first && memcmp(&k->host[i].host, host, sizeof *host) != 0)
        i = (i + 1) % TABLE;
    return &k->host[i];
}

static uint64_t check_of(const struct known_header *header, const struct known_host *hosts)
{
    struct known_header plain = *header;
    plain.check = 0;
    return hash_checksum(hash_checksum(2, &plain, sizeof plain), hosts,
                         header->count * sizeof *hosts);
}

static bool read_all(int fd, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)data + done, size - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool known_read(struct known *k, int fd)
{
    struct known_header header;
    if (!read_all(fd, &header, sizeof header) || header.magic != KNOWN_MAGIC ||
        header.count > KNOWN_MOST)
        return false;
    struct known_host *hosts = calloc(header.count + 1, sizeof *hosts);
    bool sound = hosts && read_all(fd, hosts, header.count * sizeof *hosts) &&
                 check_of(&header, hosts) == header.check;
    for (size_t i = 0; sound && i < header.count; i++) {
        struct known_host *place = place_of(k, &hosts[i].host);
        if (hosts[i].first <= 0 || place->first)
            continue;
        *place = hosts[i];
        k->count++;
    }
    k->born = header.born;
    free(hosts);
    return sound;
}

int known_open(const char *path, nanos_t wall, struct known **out, struct error *error)
{
    struct known *k = calloc(1, sizeof *k);
    if (!k || (size_t)snprintf(k->path, sizeof k->path, "%s", path) >= sizeof k->path - 8) {
        free(k);
        return error_set(error, -ENOMEM, "no memory for the known hosts");
    }
    int code = 0;
    k->key = hash_key_random();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        k->born = wall;
        k->changed = true;
    } else if (fd < 0 || !known_read(k, fd)) {
        k->born = 0;
        k->changed = true;
        code = 1;
        error_set(error, 1, "%s cannot be used and is begun anew: every host is a newcomer today",
                  path);
    }
    if (fd >= 0)
        close(fd);
    *out = k;
    return code;
}

/* Rare: the table is filled anew without the one that was seen least lately. */
static void make_room(struct known *k)
{
    size_t oldest = TABLE, kept = 0;
    for (size_t i = 0; i < TABLE; i++)
        if (k->host[i].first && (oldest == TABLE || k->host[i].last < k->host[oldest].last))
            oldest = i;
    struct known_host *hosts = calloc(KNOWN_MOST, sizeof *hosts);
    if (!hosts)
        return;
    for (size_t i = 0; i < TABLE; i++)
        if (k->host[i].first && i != oldest)
            hosts[kept++] = k->host[i];
    memset(k->host, 0, sizeof k->host);
    for (size_t i = 0; i < kept; i++)
        *place_of(k, &hosts[i].host) = hosts[i];
    k->count = kept;
    free(hosts);
}

bool known_is_new(struct known *k, const struct egress_host *host, nanos_t wall)
{
    int32_t today = day_of(wall);
    struct known_host *place = place_of(k, host);
    if (!place->first) {
        if (k->count == KNOWN_MOST) {
            make_room(k);
            place = place_of(k, host);
            if (k->count == KNOWN_MOST)
                return true;
        }
        bool first_day = k->born && wall >= k->born && wall - k->born < NANOS_DAY;
        *place = (struct known_host){.host = *host, .first = first_day ? 1 : today};
        k->count++;
    }
    k->changed |= place->last != today;
    place->last = today;
    return place->first >= today;
}

nanos_t known_since(struct known *k, const struct egress_host *host)
{
    const struct known_host *place = place_of(k, host);
    return place->first > 1 ? place->first * NANOS_DAY : 0;
}

bool known_next(const struct known *k, size_t *cursor, struct egress_host *out)
{
    while (*cursor < TABLE && !k->host[*cursor].first)
        ++*cursor;
    if (*cursor == TABLE)
        return false;
    *out = k->host[(*cursor)++].host;
    return true;
}

static int known_write(const struct known *k, int fd)
{
    struct known_header header = {.magic = KNOWN_MAGIC, .born = k->born, .count = k->count};
    struct known_host *hosts = calloc(k->count + 1, sizeof *hosts);
    if (!hosts)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < TABLE; i++)
        if (k->host[i].first)
            hosts[n++] = k->host[i];
    must(n == k->count);
    header.check = check_of(&header, hosts);
    bool written = write(fd, &header, sizeof header) == (ssize_t)sizeof header &&
                   write(fd, hosts, n * sizeof *hosts) == (ssize_t)(n * sizeof *hosts) &&
                   fsync(fd) == 0;
    free(hosts);
    return written ? 0 : -EIO;
}

int known_save(struct known *k, struct error *error)
{
    if (!k->changed)
        return 0;
    char next[PATH_SIZE + 8];
    snprintf(next, sizeof next, "%s.next", k->path);
    unlink(next); /* another user may have left it */
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int code = fd < 0 ? -errno : known_write(k, fd);
    if (fd >= 0)
        close(fd);
    if (code == 0 && rename(next, k->path) < 0)
        code = -errno;
    if (code < 0)
        return error_set(error, code, "%s: %s", next, strerror(-code));
    k->changed = false;
    return 0;
}

void known_close(struct known *k)
{
    free(k);
}
