/* ended_map.h: what both halves of ended.h share: the kernel's writes it, ours reads it. */
#ifndef ECLUSE_FILES_ENDED_MAP_H
#define ECLUSE_FILES_ENDED_MAP_H

#include <linux/types.h>

enum { ENDED_ROOM = 1 << 15 }; /* a power of two; 1.3 MB */

struct ended_entry { /* at its thread's number, modulo ENDED_ROOM */
    __u32 thread;    /* 0: it is being written */
    __u32 process, parent;
    __u32 real, saved, file; /* user numbers, as the whole machine knows them */
    __u64 at;                /* boot clock */
    __u64 began; /* boot clock, too */
};

#endif
