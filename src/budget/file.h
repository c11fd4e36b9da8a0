/* file.h: the two files of a guard: made, checked, mapped. The room's own. */
#ifndef ECLUSE_BUDGET_FILE_H
#define ECLUSE_BUDGET_FILE_H

#include "budget/layout.h"

enum file_kind { FILE_SEGMENT, FILE_RINGS };

struct mapping {
    uint8_t *data;
    size_t size;
    int fd;
    uint8_t identity[16];      /* device and inode */
    struct file_header header; /* as it was checked: the file's own is not looked at again */
};

enum { FILE_PATH_SIZE = CONTRACT_PATH_SIZE + 64 };

void file_path(const struct contract *c, enum guard guard, enum file_kind kind,
               char out[FILE_PATH_SIZE]);

/* The header of a new file: sections laid out one after the other, each on a page of its own. */
void file_plan(enum guard guard, enum file_kind kind, const struct budget_sizes *sizes,
               struct file_header *out);

/* Makes a whole new file and puts it in the place of any other by rename. `fill` may be NULL; it
 * writes what must stand in the file before anyone sees it. */
struct file_fill {
    void (*write)(uint8_t *data, const struct file_header *header, void *argument);
    void *argument;
};
int file_make(const char *path, const struct file_header *header, int group,
              struct file_fill fill, struct error *error);

/* Maps a file after checking all of its header. -ENOENT, -EPROTO (another version: *version says
 * which), -EUCLEAN (damaged or foreign). */
int file_map(const char *path, enum guard guard, enum file_kind kind, bool read_only,
             struct mapping *out, uint32_t *version, struct error *error);
void file_unmap(struct mapping *m);

static inline void *file_section(uint8_t *data, const struct file_header *header, unsigned section)
{
    return data + header->section[section].offset;
}

/* Device and inode of what stands at path now. */
bool file_identity(const char *path, uint8_t out[16]);

uint64_t file_header_check(const struct file_header *h);
uint64_t anchor_check(const struct anchor *a);

/* recover.c: after a reboot, before anyone charges: what a power cut left half written is
 * dropped. */
void rings_recover(uint8_t *data, const struct file_header *header);

/* migrate.c: an older layout's rings file at `path`, taken into a new one. 0, or -EPROTO when it
 * cannot. */
int rings_migrate(const char *path, uint32_t version, const struct file_header *header, int group,
                  struct error *error);

#endif
