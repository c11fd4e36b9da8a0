/* distinct.h: about how many different things were seen, without keeping any.
 *
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007), 1024 registers of one byte: a standard
 * error of 1.04 / sqrt(1024) = 3.3 %; below 2,560 linear counting, which is closer. Hashes must be
 * keyed, or an attacker chooses what is counted. Any number of processes add at once.
 */
#ifndef ECLUSE_DISTINCT_H
#define ECLUSE_DISTINCT_H

#include <stdatomic.h>
#include <stdint.h>

enum { DISTINCT_REGISTERS = 1024 };

struct distinct {
    _Atomic uint8_t rank[DISTINCT_REGISTERS];
};

void distinct_add(struct distinct *d, uint64_t hash);
uint64_t distinct_count(const struct distinct *d);
void distinct_clear(struct distinct *d);

#endif
