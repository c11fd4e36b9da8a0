/* check_files.h: what `ecluse check` says of files: what could be lost for good, share by share,
 * a warning where the guard would refuse its place, and what was open for writing before the guard
 * began, when one runs here.
 */
#ifndef ECLUSE_CHECK_FILES_H
#define ECLUSE_CHECK_FILES_H

#include "contract/contract.h"
#include "contract/explain.h"

#include <jansson.h>

json_t *check_vaults_json(const struct contract *c, enum language language);
void check_vaults_print(const struct contract *c, enum language language);

/* Which descriptors, for root; an empty list where no guard runs. */
json_t *check_opened_json(const struct contract *c);
void check_opened_print(const struct contract *c, enum language language);

#endif
