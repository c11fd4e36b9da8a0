/* The filter's construction alone, from hashes: time, memory, bits a number.
 *
 *   taskset -c 0 build/bench/bench-filter [NUMBERS]
 */
#include "base/base.h"
#include "tracking/fuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static uint64_t hash_of(uint64_t i)
{
    i = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    i = (i ^ i >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    i = (i ^ i >> 27) * UINT64_C(0x94d049bb133111eb);
    return i ^ i >> 31;
}

int main(int argc, char **argv)
{
    uint64_t numbers = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000000;
    struct fuse_builder *b = numbers ? fuse_builder_new(numbers) : NULL;
    if (!b) {
        fprintf(stderr, "usage: bench-filter [NUMBERS]\n");
        return 2;
    }
    struct rusage use;
    nanos_t start = clock_boot();
    for (uint64_t i = 0; i < numbers; i++)
        fuse_builder_add(b, hash_of(i));
    nanos_t added = clock_boot();
    const uint16_t *fingerprint = fuse_builder_finish(b);
    nanos_t built = clock_boot();
    if (!fingerprint) {
        fprintf(stderr, "these hashes cannot be built: the filter would try another key\n");
        return 1;
    }
    getrusage(RUSAGE_SELF, &use);
    struct fuse_shape shape = fuse_builder_shape(b);
    uint64_t wrong = 0, missed = 0;
    for (uint64_t i = 0; i < numbers; i++) {
        missed += !fuse_has(&shape, fingerprint, hash_of(i));
        wrong += fuse_has(&shape, fingerprint, hash_of(numbers + i));
    }
    printf("%llu numbers: collected in %.2f s, built in %.2f s, %.1f bytes of memory a number, "
           "%.2f bits a number, "
           "%llu missed, false positives %.5f %%\n",
           (unsigned long long)numbers, (double)(added - start) / 1e9,
           (double)(built - added) / 1e9, (double)use.ru_maxrss * 1024 / (double)numbers,
           16.0 * shape.places / (double)numbers, (unsigned long long)missed,
           100 * (double)wrong / (double)numbers);
    fuse_builder_free(b);
    return missed != 0;
}
