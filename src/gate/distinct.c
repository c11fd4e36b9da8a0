#include "gate/distinct.h"

#include <math.h>

void distinct_add(struct distinct *d, uint64_t hash)
{
    _Atomic uint8_t *rank = &d->rank[hash % DISTINCT_REGISTERS];
    uint64_t rest = hash / DISTINCT_REGISTERS;
    uint8_t zeroes = (uint8_t)(rest ? __builtin_clzll(rest) - 10 + 1 : 55);
    uint8_t now = atomic_load_explicit(rank, memory_order_relaxed);
    while (zeroes > now && !atomic_compare_exchange_weak_explicit(
                               rank, &now, zeroes, memory_order_relaxed, memory_order_relaxed))
        continue;
}

uint64_t distinct_count(const struct distinct *d)
{
    const double registers = DISTINCT_REGISTERS;
    double sum = 0;
    unsigned empty = 0;
    for (unsigned i = 0; i < DISTINCT_REGISTERS; i++) {
        uint8_t rank = atomic_load_explicit(&d->rank[i], memory_order_relaxed);
        sum += ldexp(1, -(int)rank);
        empty += rank == 0;
    }
    double estimate = 0.7213 / (1 + 1.079 / registers) * registers * registers / sum;
    if (estimate <= 2.5 * registers && empty)
        estimate = registers * log(registers / empty);
    return (uint64_t)llround(estimate);
}

void distinct_clear(struct distinct *d)
{
    for (unsigned i = 0; i < DISTINCT_REGISTERS; i++)
        atomic_store_explicit(&d->rank[i], 0, memory_order_relaxed);
}
