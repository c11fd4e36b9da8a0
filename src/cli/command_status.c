/* `ecluse status`: alarms first, then what is promised, limited, guarded, fed and stored. */
#include "cli/output.h"
#include "cli/situation.h"
#include "cli/status_text.h"
#include "cli/store_look.h"

#include <stdlib.h>
#include <unistd.h>

static int show_once(const struct arguments *a, struct status *st)
{
    *st = (struct status){0};
    int code = situation_open(a, &st->s);
    if (code != EXIT_DONE)
        return code;
    if (st->s.contract->tracking.present)
        store_look(st->s.contract, st->s.now.wall, &st->store);
    status_look(st);
    bool watch = a->option[OPTION_WATCH] != NULL, alarms = a->option[OPTION_ALARMS] != NULL;
    if (watch && isatty(STDOUT_FILENO) && !a->option[OPTION_JSON])
        fputs("\033[H\033[J", stdout);
    if (a->option[OPTION_JSON])
        output_json(status_json(st));
    else if (alarms)
        status_alarms_text(st);
    else
        status_text(st);
    int status = st->broken || (alarms && st->alarms.count) ? EXIT_PARTLY : EXIT_DONE;
    situation_close(&st->s);
    return status;
}

int command_status(const struct arguments *a)
{
    struct status *st = calloc(1, sizeof *st);
    must(st != NULL);
    int status = show_once(a, st);
    while (a->option[OPTION_WATCH] && fflush(stdout) == 0 && !ferror(stdout)) {
        sleep(1);
        status = show_once(a, st);
    }
    free(st);
    return status;
}
