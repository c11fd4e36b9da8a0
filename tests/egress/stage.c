/* egress_stage CONTRACT: the guard of bytes out by itself, as a test holds it in its hand.
 *
 * Says "ready" once the programs are attached, then takes a command a line on standard input and
 * answers each with one line:
 *
 *   holds         "N", then N lines "ID PRINCIPAL USED LIMIT OBSERVED"
 *   release ID    asks for it, as `ecluse release` does
 *   observe       enforce       quit
 */
#include "egress/egress.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { HOLDS_MOST = 64 };

static _Noreturn void fail(const struct error *error)
{
    fprintf(stderr, "%s\n", error->text);
    exit(2);
}

static struct contract *read_file(const char *path)
{
    struct contract *contract = calloc(1, sizeof *contract);
    struct problems problems = {0};
    struct error error = {""};
    if (!contract || contract_read(path, contract, &problems, &error) != 0) {
        for (size_t i = 0; i < problems.count; i++)
            fprintf(stderr, "%s:%u: %s\n", path, problems.problem[i].line,
                    problems.problem[i].text);
        fail(&error);
    }
    return contract;
}

static void tell_holds(const struct contract *contract)
{
    struct budgets *b;
    struct error error;
    struct hold hold[HOLDS_MOST];
    if (budget_open(contract, GUARD_EGRESS, true, &b, &error) < 0)
        fail(&error);
    size_t n = holds_list(b, clock_boot(), hold, HOLDS_MOST);
    printf("%zu\n", n);
    for (size_t i = 0; i < n; i++) {
        char who[PRINCIPAL_TEXT_SIZE];
        printf("%llu %s %llu %llu %d\n", (unsigned long long)hold[i].id,
               strrchr(principal_text(&hold[i].principal, who), ' ') ? strrchr(who, ' ') + 1 : who,
               (unsigned long long)hold[i].used, (unsigned long long)hold[i].limit,
               hold[i].observed);
    }
    budget_close(b);
}

/* False: it is over. */
static bool command(struct egress *e, const struct contract *contract, char *line)
{
    struct error error = {"bad command"};
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, "quit") == 0)
        return false;
    if (strcmp(line, "holds") == 0) {
        tell_holds(contract);
    } else if (strncmp(line, "release ", 8) == 0) {
        if (release_request(contract->runtime, GUARD_EGRESS, strtoull(line + 8, NULL, 10), &error) <
            0)
            fail(&error);
        puts("asked");
    } else if (strcmp(line, "observe") == 0 || strcmp(line, "enforce") == 0) {
        egress_set_mode(e, line[0] == 'o' ? MODE_OBSERVE : MODE_ENFORCE);
        egress_tick(e, moment_now());
        puts("done");
    } else {
        fail(&error);
    }
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    struct error error = {"usage: egress_stage CONTRACT"};
    if (argc != 2)
        fail(&error);
    struct contract *contract = read_file(argv[1]);
    mkdir(contract->state, 0700);
    mkdir(contract->runtime, 0755);
    struct egress *e;
    if (budget_create(contract, GUARD_EGRESS, NULL, moment_now(), -1, &error) < 0 ||
        egress_open(contract, MODE_ENFORCE, moment_now(), &e, &error) < 0)
        fail(&error);
    puts("ready");
    fflush(stdout);
    for (char line[64];;) {
        struct pollfd ready[] = {{.fd = 0, .events = POLLIN},
                                 {.fd = egress_descriptor(e), .events = POLLIN}};
        poll(ready, 2, (int)(EGRESS_PACE / NANOS_MILLISECOND));
        egress_tick(e, moment_now());
        if (ready[0].revents && (!fgets(line, sizeof line, stdin) || !command(e, contract, line)))
            break;
        nanosleep(&(struct timespec){.tv_nsec = EGRESS_PAUSE}, NULL);
    }
    egress_close(e);
    free(contract);
    return 0;
}
