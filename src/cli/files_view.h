/* files_view.h: `ecluse files`: which shares are meant, and how what their vaults know is shown. */
#ifndef ECLUSE_FILES_VIEW_H
#define ECLUSE_FILES_VIEW_H

#include "cli/cli.h"
#include "contract/contract.h"
#include "files/restore.h"

#include <jansson.h>

struct files_wish { /* what the command line asks for */
    bool json, yes, dry_run;
    const char *hold, *to;
    nanos_t since, now; /* wall clock; since 0: not asked for */
    char path[VAULT_PATH_SIZE];
    int share; /* in which that path lies, -1: no path */
    struct contract *contract;
};

/* EXIT_DONE, or EXIT_COULD_NOT after having said why. */
int files_wish_read(const struct arguments *a, struct files_wish *out);
void files_wish_free(struct files_wish *wish);

/* What the wish asks of one share: false when it is none of it. */
bool files_request(const struct files_wish *wish, unsigned share, struct restore_request *out);

/* "ana (1001)", "1001", "somebody" */
enum { FILES_USER_SIZE = 64 };
char *files_user(uint32_t user, char out[FILES_USER_SIZE]);
/* "lost its type", or "" when nobody judged. */
const char *files_ground(uint8_t ground);

json_t *files_item_json(const struct restore_item *item);
void files_plan_print(const struct files_wish *wish, unsigned share, const struct restore *plan);

int files_restore(const struct files_wish *wish);
int files_opened_print(const struct files_wish *wish);
int files_canaries(const struct files_wish *wish, const char *what); /* NULL: to be listed */

#endif
