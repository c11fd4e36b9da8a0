#include "budget/file.h"

#include <errno.h>

int rings_migrate(const char *path, uint32_t version, const struct file_header *header, int group,
                  struct error *error)
{
    (void)header;
    (void)group;
    return error_set(error, -EPROTO, "%s has layout %u, which this version cannot read", path, version);
}
