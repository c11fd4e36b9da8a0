/* sound.h: whether a struct contract that another process wrote can be used at all.
 *
 * A checksum says that bytes are as they were written, not that they make sense: every count is
 * within its array, every enum and index within its range, every string ends, every truth value is
 * 0 or 1.
 */
#ifndef ECLUSE_SOUND_H
#define ECLUSE_SOUND_H

#include "contract/contract.h"

bool contract_is_sound(const struct contract *c);

#endif
