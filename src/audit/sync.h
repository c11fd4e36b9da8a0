/* sync.h: many files made durable at once.
 *
 * A batch of the log is some twenty files; one after the other, at 5 ms each, they would take 100
 * ms. The kernel takes fsync(2) from many threads at once and the disk merges them, so that a round
 * takes about as long as its slowest.
 */
#ifndef ECLUSE_SYNC_H
#define ECLUSE_SYNC_H

#include <stddef.h>

struct sync_pool;

/* NULL when threads cannot be had. They wait for work, and hold no lock while they sync. */
struct sync_pool *sync_pool_new(unsigned threads);
void sync_pool_free(struct sync_pool *pool); /* takes NULL */

/* Syncs all descriptors and returns when the last is durable: 0, or the first negative errno. */
int sync_all(struct sync_pool *pool, const int *descriptors, size_t count);

#endif
