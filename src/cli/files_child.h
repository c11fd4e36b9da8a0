/* files_child.h: the child of `ecluse run` that guards the contract's shares (files/files.h).
 *
 * It is the manager of that room's processes: it takes up contracts, puts what happened on the
 * record, and starts again who died. It stays root, since it opens marks for each new listener,
 * stops process trees, and reads which files a hold is about; it parses nothing from outside but
 * the names of /proc.
 */
#ifndef ECLUSE_FILES_CHILD_H
#define ECLUSE_FILES_CHILD_H

#include "cli/child.h"

enum { FILES_AGAIN = 5 }; /* exit status: start me again at once */

bool files_wanted(const struct contract *c);
_Noreturn void files_main(const struct child_words *words);

#endif
