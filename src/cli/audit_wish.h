/* audit_wish.h: which entries of the log are meant: --from, --to, --kind, --hold. */
#ifndef ECLUSE_AUDIT_WISH_H
#define ECLUSE_AUDIT_WISH_H

#include "audit/audit.h"
#include "cli/cli.h"

struct audit_wish {
    int64_t from, to; /* wall clock; to 0: no end */
    int kind;         /* -1: every */
    const char *hold; /* NULL: every */
};

/* EXIT_DONE, or EXIT_COULD_NOT after having said what of it is no time or kind. */
int audit_wish_read(const struct arguments *a, struct audit_wish *out);

/* Whether an entry is meant. One that cannot be read is when all are. */
bool audit_wished(const struct audit_wish *wish, struct text text);

#endif
