/* egress_parts.h: the guard's process, as the files of the room share it. The room's own. */
#ifndef ECLUSE_EGRESS_PARTS_H
#define ECLUSE_EGRESS_PARTS_H

#include "egress/egress.h"
#include "egress/kernel.h"
#include "egress/known.h"
#include "egress/pace.h"

struct look { /* what this process knows of an entry beside what stands in it */
    uint64_t told[EGRESS_ACCOUNTS]; /* of `refused` */
    nanos_t busy;                   /* when something last went */
    bool seen, pair, leaving;
    bool lost; /* no ring was free for it: the newcomers' common count stands for its own */
};

struct egress {
    const struct contract *contract;
    struct egress_config *config;
    struct kernel *kernel;
    struct budgets *budgets;
    struct known *known;
    struct look *look;
    struct pace *pace; /* beside each entry */
    struct watch *watch;
    nanos_t longest; /* of all windows: who was idle for longer owes nothing */
    nanos_t next_second;
    uint32_t high; /* the highest entry in use when all were last looked at */
    enum mode mode;
    int slot;
    bool attached; /* the programs are in place: before, nothing is left in files */
};

static inline uint64_t word_load(const __u64 *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void word_store(__u64 *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

struct principal principal_of(const struct egress *e, uint32_t index);

#endif
