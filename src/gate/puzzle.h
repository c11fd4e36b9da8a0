/* puzzle.h: a light proof of work, for a browser that asks while the origin is short.
 *
 * Token     in the challenge page: 28 bytes, 38 characters. Kind and version, name of the key,
 *           seconds since 1970, difficulty, keyed hash of the wide network, MAC (SipHash-2-4-128:
 *           it lives two minutes, and is written in every page). Valid 2 min. All who ask from one
 *           network in one second get the same.
 * Solution  a whole number such that SHA-256 of TOKEN ":" NUMBER (as ASCII, without leading zeroes)
 *           begins with `difficulty` zero bits. It is handed in as the cookie `ecluse_proof`, whose
 *           value is just that text: 55 characters at most, one block of SHA-256. The script
 *           counts from a random number, or all in one network would find one solution.
 * Worth     one pass: its id is made from the solution, so that a solution handed in twice, or by
 *           many, is one pass, one principal.
 * Work      2^difficulty hashes on average; the script does about 200,000 a second on an old phone
 *           (measured in Chromium, see docs): 15 bits are 0.2 s there, and twice that in one case
 *           of seven.
 * Dearer    a network that was given more passes than its budget gets one bit more for each
 *           doubling, five at most: it is never refused, since customers live there too.
 * Cost      puzzle_write() some 60 ns, puzzle_redeem() under 1 us (bench/tokens).
 */
#ifndef ECLUSE_PUZZLE_H
#define ECLUSE_PUZZLE_H

#include "gate/pass.h"

enum {
    PUZZLE_BYTES = 28,
    PUZZLE_TEXT_LENGTH = TOKEN_TEXT_LENGTH(PUZZLE_BYTES),
    PUZZLE_ANSWER_MAX = PUZZLE_TEXT_LENGTH + 1 + 16, /* 16 digits: what a script counts exactly */
    PUZZLE_LIFE_SECONDS = 120,
    PUZZLE_USUAL_BITS = 15,
    PUZZLE_DEARER_BITS = 5
};

/* PUZZLE_TEXT_LENGTH characters, no final zero; 0 when no key signs. */
size_t puzzle_write(const struct keyring *ring, unsigned bits, uint32_t wide, int64_t now,
                    char out[PUZZLE_TEXT_LENGTH]);

/* What the cookie `ecluse_proof` is worth. TOKEN_NONE fills the id of the pass that it gives. */
enum token_fault puzzle_redeem(const struct keyring *ring, struct text cookie, uint32_t wide,
                               int64_t now, uint8_t id[PASS_ID_SIZE]);

/* Bits for a network that holds `issued` of `budget` passes: the usual, and dearer over it. */
unsigned puzzle_bits(uint32_t issued, uint32_t budget);

#endif
