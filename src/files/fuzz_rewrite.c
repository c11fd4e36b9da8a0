/* Two files of an attacker's making, judged: the first byte says how long the old one is. */
#include "files/rewrite.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    static int old = -1, new = -1;
    if (old < 0) {
        old = memfd_create("old", 0);
        new = memfd_create("new", 0);
    }
    if (length < 1 || ftruncate(old, 0) != 0 || ftruncate(new, 0) != 0)
        return 0;
    size_t first = (length - 1) * data[0] / 255;
    if (pwrite(old, data + 1, first, 0) < 0 ||
        pwrite(new, data + 1 + first, length - 1 - first, 0) < 0)
        return 0;
    struct rewrite_figures figures;
    rewrite_judge(old, new, length % 2, length, &figures);
    must(figures.ground < REWRITE_GROUND_COUNT && figures.changed <= figures.read);
    return 0;
}
