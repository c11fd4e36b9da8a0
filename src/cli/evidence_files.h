/* evidence_files.h: which files a hold is about (files/evidence.h), for `ecluse why`. */
#ifndef ECLUSE_EVIDENCE_FILES_H
#define ECLUSE_EVIDENCE_FILES_H

#include "status/situation.h"

#include <jansson.h>

void evidence_files_print(const struct situation *s, uint64_t hold);
json_t *evidence_files_json(const struct situation *s,
                            uint64_t hold); /* null where there is none */

/* The first line alone: whom it is about; NULL where there is none, or it is not ours to see. */
json_t *evidence_files_head(const struct situation *s, uint64_t hold);

#endif
