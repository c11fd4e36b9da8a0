/* evidence_view.h: what a hold rests on, for `ecluse why`: of bytes out (egress/trail.h), of files
 * (evidence_files.h). */
#ifndef ECLUSE_EVIDENCE_VIEW_H
#define ECLUSE_EVIDENCE_VIEW_H

#include "status/situation.h"

#include <jansson.h>

/* Under `state` of the contract in force: of a hold in force or of one that ended, for as long as
 * `keep: holds`. Nothing is said where there is none. */
void evidence_print(const struct situation *s, enum guard guard, uint64_t hold);

/* Null where there is none, or when it may not be seen. */
json_t *evidence_json(const struct situation *s, enum guard guard, uint64_t hold);

#endif
