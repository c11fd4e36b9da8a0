#include "audit/sync.h"

#include "base/must.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct sync_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    const int *descriptors;
    size_t count, next, finished;
    int failed;
    bool stopping;
    unsigned threads;
    pthread_t thread[];
};

/* Takes the lock held, gives it back held. */
static void sync_one(struct sync_pool *pool)
{
    int descriptor = pool->descriptors[pool->next++];
    pthread_mutex_unlock(&pool->lock);
    int failed = fsync(descriptor) < 0 ? -errno : 0;
    pthread_mutex_lock(&pool->lock);
    if (failed && !pool->failed)
        pool->failed = failed;
    if (++pool->finished == pool->count)
        pthread_cond_signal(&pool->done);
}

static void *sync_thread(void *argument)
{
    struct sync_pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        if (pool->next < pool->count)
            sync_one(pool);
        else
            pthread_cond_wait(&pool->work, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct sync_pool *sync_pool_new(unsigned threads)
{
    struct sync_pool *pool = calloc(1, sizeof *pool + threads * sizeof *pool->thread);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (; pool->threads < threads; pool->threads++) {
        if (pthread_create(&pool->thread[pool->threads], NULL, sync_thread, pool) != 0) {
            sync_pool_free(pool);
            return NULL;
        }
    }
    return pool;
}

void sync_pool_free(struct sync_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int sync_all(struct sync_pool *pool, const int *descriptors, size_t count)
{
    if (count == 0)
        return 0;
    pthread_mutex_lock(&pool->lock);
    must(pool->next == pool->count); /* one round at a time */
    pool->descriptors = descriptors;
    pool->count = count;
    pool->next = pool->finished = 0;
    pool->failed = 0;
    pthread_cond_broadcast(&pool->work);
    while (pool->finished < pool->count)
        pthread_cond_wait(&pool->done, &pool->lock);
    int failed = pool->failed;
    pthread_mutex_unlock(&pool->lock);
    return failed;
}
