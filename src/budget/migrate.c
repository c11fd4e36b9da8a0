#include "budget/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Layout 0 was that of the drafts: the first four sections of layout 1 (clock, budgets, keys,
 * rings), and neither things nor crowds. A later layout adds its step here: what kept its shape is
 * copied, what is new begins empty. */
enum { LAYOUT_0_SECTIONS = SECTION_RINGS + 1 };

struct old_file {
    uint8_t *data;
    size_t size;
    struct file_header header;
};

static int old_read(const char *path, struct old_file *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int status = fstat(fd, &st) < 0 ? -errno : 0;
    if (status == 0 && (st.st_size < LAYOUT_PAGE || st.st_size > UINT32_MAX))
        status = -EPROTO;
    uint8_t *data = status == 0 ? malloc((size_t)st.st_size) : NULL;
    if (status == 0 && !data)
        status = -ENOMEM;
    for (size_t at = 0; status == 0 && at < (size_t)st.st_size;) {
        ssize_t got = read(fd, data + at, (size_t)st.st_size - at);
        if (got > 0)
            at += (size_t)got;
        else if (got == 0 || errno != EINTR)
            status = got < 0 ? -errno : -EPROTO;
    }
    close(fd);
    if (status < 0) {
        free(data);
        return status;
    }
    *out = (struct old_file){.data = data, .size = (size_t)st.st_size};
    memcpy(&out->header, data, sizeof out->header);
    return 0;
}

static bool sections_fit(const struct old_file *old, const struct file_header *header)
{
    const struct file_header *h = &old->header;
    if (h->section_count != LAYOUT_0_SECTIONS || h->check != file_header_check(h) ||
        h->guard != header->guard)
        return false;
    for (unsigned i = 0; i < LAYOUT_0_SECTIONS; i++) {
        const struct section *from = &h->section[i], *to = &header->section[i];
        uint64_t bytes = (uint64_t)from->count * from->entry;
        if (from->entry != to->entry || from->count != to->count || from->offset > old->size ||
            bytes > old->size - from->offset)
            return false;
    }
    return true;
}

static void sections_copy(uint8_t *data, const struct file_header *header, void *argument)
{
    const struct old_file *old = argument;
    for (unsigned i = 0; i < LAYOUT_0_SECTIONS; i++) {
        const struct section *s = &old->header.section[i];
        memcpy(data + header->section[i].offset, old->data + s->offset,
               (size_t)s->count * s->entry);
    }
}

int rings_migrate(const char *path, uint32_t version, const struct file_header *header, int group,
                  struct error *error)
{
    struct old_file old;
    if (version != 0)
        return error_set(error, -EPROTO, "%s has layout %u, which this version cannot read", path,
                         version);
    int status = old_read(path, &old);
    if (status < 0)
        return error_set(error, status, "%s: %s", path, strerror(-status));
    struct file_header next = *header;
    next.key = old.header.key; /* names and principals are hashed under it */
    if (sections_fit(&old, &next))
        status = file_make(path, &next, group, (struct file_fill){sections_copy, &old}, error);
    else
        status = error_set(error, -EPROTO, "%s has layout 0 in other sizes", path);
    free(old.data);
    return status;
}
