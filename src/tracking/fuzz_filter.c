/* Any bytes as `live.filter`: what opens is asked, and must not lead outside the file. The
 * checksums are made right, or nothing would get past them. The input is the header's fields, then
 * what the file holds. */
#include "tracking/filter_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char state_dir[64], path[STORE_PATH_SIZE], store[STORE_PATH_SIZE];

static void set_up(void)
{
    char tracking[STORE_PATH_SIZE];
    strcpy(state_dir, "/tmp/ecluse-fuzz-XXXXXX");
    if (!mkdtemp(state_dir) || store_path(tracking, state_dir, "") || mkdir(tracking, 0700) ||
        store_path(path, state_dir, "live.filter") || store_path(store, state_dir, "parcels.mdb"))
        abort();
    close(open(store, O_CREAT | O_WRONLY, 0600));
}

static void put(const uint8_t *bytes, size_t size)
{
    (void)unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void ask(void)
{
    struct filter *f;
    struct parcel_number parcel = {.length = 13, .text = "RA123456785FR"};
    if (filter_open(state_dir, &f, NULL) != 0)
        abort();
    for (int i = 0; i < 64; i++) {
        parcel.text[3] = (char)('0' + i);
        (void)filter_has(f, &parcel);
    }
    filter_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[1 << 20];
    struct filter_header *h = (struct filter_header *)(void *)file;
    if (state_dir[0] == 0)
        set_up();
    put(data, size);
    ask();
    memset(file, 0, sizeof file);
    memcpy(file, data, size < sizeof *h ? size : sizeof *h);
    h->magic = FILTER_MAGIC;
    h->shape.segment_length %= 1 << 12;
    h->shape.places %= 1 << 17;
    h->buckets %= 1 << 10;
    struct filter_layout layout = filter_layout_of(&h->shape, h->buckets);
    if (layout.size > sizeof file)
        return 0;
    h->file_size = layout.size;
    h->store_generation = store_file_generation(store);
    if (size > sizeof *h)
        memcpy(file + FILTER_PAGE, data + sizeof *h,
               size - sizeof *h < layout.size - FILTER_PAGE ? size - sizeof *h
                                                            : layout.size - FILTER_PAGE);
    ((struct filter_changing *)(void *)(file + FILTER_PAGE))->state = FILTER_LIVE;
    h->fingerprints_checksum =
        hash_checksum(h->key.k0, file + layout.fingerprints, h->shape.places * sizeof(uint16_t));
    h->checksum = filter_header_checksum(h);
    put(file, layout.size);
    ask();
    return 0;
}
