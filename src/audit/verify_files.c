#include "audit/verify_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place { /* what a path below "tile/" names */
    int level;
    uint64_t index;
    unsigned width;
};

static bool three_digits(struct text part, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < 3; i++) {
        if (part.length < 3 || part.data[i] < '0' || part.data[i] > '9')
            return false;
        *value = *value * 10 + (uint64_t)(part.data[i] - '0');
    }
    return true;
}

static bool place_parse(struct text path, struct place *out)
{
    struct place place = {.width = TILE_WIDTH};
    char again[TILE_PATH_SIZE];
    const char *slash = memchr(path.data, '/', path.length);
    if (!slash)
        return false;
    struct text level = {path.data, (size_t)(slash - path.data)};
    uint64_t value;
    if (text_is(level, "entries"))
        place.level = TILE_BUNDLES;
    else if (decimal_parse(level, &value) && value < TILE_LEVELS)
        place.level = (int)value;
    else
        return false;
    for (struct text rest = {slash + 1, path.length - level.length - 1}; rest.length;) {
        bool more = rest.data[0] == 'x';
        struct text digits = {rest.data + more, rest.length - more};
        if (!three_digits(digits, &value) || place.index > UINT64_MAX / 1000 - 1)
            return false;
        place.index = place.index * 1000 + value;
        struct text after = {digits.data + 3, digits.length - 3};
        if (!more) {
            struct text width = {after.data + 3,
                                 after.length - (after.length < 3 ? after.length : 3)};
            if (after.length &&
                (!decimal_parse(width, &value) || value == 0 || value >= TILE_WIDTH))
                return false;
            if (after.length)
                place.width = (unsigned)value;
            break;
        }
        if (after.length < 2)
            return false;
        rest = (struct text){after.data + 1, after.length - 1};
    }
    /* One path for one tile: whatever is written another way is not ours. */
    if (!text_is(path, tile_path(place.level, place.index, place.width, again) + strlen("tile/")))
        return false;
    *out = place;
    return true;
}

/* A partial tile that is older than the checkpoint: its hashes must be the beginning of the
 * present tile's. */
static int check_older(const struct verify_files *files, const struct place *place)
{
    struct merkle_hash now[TILE_WIDTH], then[TILE_WIDTH];
    char path[TILE_PATH_SIZE];
    unsigned width = tile_width(place->level, place->index, files->size);
    int level = place->level == TILE_BUNDLES ? 0 : place->level;
    int failed = tile_read(files->folder, level, place->index, width, now);
    if (!failed && place->level != TILE_BUNDLES) {
        int file = openat(files->folder, tile_path(place->level, place->index, place->width, path),
                          O_RDONLY | O_CLOEXEC);
        struct stat about;
        failed = file < 0 || fstat(file, &about) < 0 ? -errno : 0;
        if (!failed && (size_t)about.st_size != place->width * sizeof *then)
            failed = -EBADMSG;
        if (!failed &&
            read(file, then, place->width * sizeof *then) != (ssize_t)(place->width * sizeof *then))
            failed = -EIO;
        if (file >= 0)
            close(file);
    } else if (!failed) {
        long length = bundle_read(files->folder, place->index, place->width, files->bundle);
        failed = length < 0 ? (int)length : 0;
        size_t at = 0;
        for (unsigned i = 0; i < place->width && !failed; i++) {
            struct text entry;
            if (!bundle_next(files->bundle, (size_t)length, &at, &entry))
                return -EBADMSG;
            then[i] = merkle_leaf(files->hasher, entry.data, entry.length);
        }
        if (!failed && at != (size_t)length)
            failed = -EBADMSG;
    }
    if (!failed && memcmp(now, then, place->width * sizeof *now) != 0)
        failed = -EBADMSG;
    return failed;
}

static int check_file(const struct verify_files *files, struct text path)
{
    struct place place;
    if (!place_parse(path, &place))
        return -EEXIST;
    unsigned width = tile_width(place.level, place.index, files->size);
    if (place.width >=
        width) /* the checkpoint's own, read by the walk; or the rest of a write that was cut off */
        return 0;
    return check_older(files, &place);
}

static int check_folder(const struct verify_files *files, const char *path, unsigned depth,
                        char *place, size_t place_size);

static int check_name(const struct verify_files *files, const char *folder,
                      const struct dirent *entry, unsigned depth, char *place, size_t place_size)
{
    char path[256];
    struct stat about;
    int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    int failed = 0;
    if (length >= (int)sizeof path || fstatat(files->folder, path, &about, AT_SYMLINK_NOFOLLOW) < 0)
        failed = -EEXIST;
    else if (S_ISDIR(about.st_mode))
        return check_folder(files, path, depth + 1, place, place_size);
    else
        failed =
            S_ISREG(about.st_mode) ? check_file(files, text_of(path + strlen("tile/"))) : -EEXIST;
    if (failed)
        snprintf(place, place_size, "%.150s", path);
    return failed;
}

static int check_folder(const struct verify_files *files, const char *path, unsigned depth,
                        char *place, size_t place_size)
{
    int descriptor =
        depth < 16 ? openat(files->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
                   : -1;
    DIR *folder = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (!folder) {
        if (descriptor >= 0)
            close(descriptor);
        snprintf(place, place_size, "%.150s", path);
        return depth < 16 ? -EIO : -EEXIST;
    }
    int failed = 0;
    for (struct dirent *entry; !failed && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            failed = check_name(files, path, entry, depth, place, place_size);
    closedir(folder);
    return failed;
}

/* At the top: the checkpoint, the next one where a write was cut off, and the tiles. */
static int check_top(const struct verify_files *files, char *place, size_t place_size)
{
    DIR *folder = fdopendir(openat(files->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder)
        return -EIO;
    int failed = 0;
    for (struct dirent *entry; !failed && (entry = readdir(folder));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "checkpoint") == 0 ||
            strcmp(name, "checkpoint.new") == 0 || strcmp(name, "tile") == 0)
            continue;
        snprintf(place, place_size, "%.150s", name);
        failed = -EEXIST;
    }
    closedir(folder);
    return failed;
}

int verify_files(const struct verify_files *files, char *place, size_t place_size)
{
    int failed = check_top(files, place, place_size);
    if (!failed && faccessat(files->folder, "tile", F_OK, 0) == 0)
        failed = check_folder(files, "tile", 0, place, place_size);
    return failed;
}
