/* `ecluse detach`: takes the programs of bytes out off an interface, when nothing else will. */
#include "cli/output.h"
#include "cli/record.h"
#include "cli/situation.h"
#include "egress/egress.h"

#include <errno.h>
#include <string.h>

static int tell(bool json, const char *interface, bool found)
{
    if (json)
        output_json(json_pack("{s:s,s:b}", "interface", interface, "detached", (int)found));
    else if (found)
        printf("Bytes out at %s are not counted, limited or held any more.\n", interface);
    else
        printf("There was nothing to take off %s.\n", interface);
    return EXIT_DONE;
}

/* It lets everything out, so it is on the record first. */
static int record_detach(const struct arguments *a, const struct situation *s,
                         const char *interface)
{
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    struct act act = record_act(ACT_GUARD_DOWN, actor, "egress",
                                "its programs are to be taken off %s by hand", interface);
    return record_durably(a, s->runtime, &act, "taking the programs off");
}

static int detach(const struct arguments *a, const struct situation *s, const char *interface)
{
    const bool json = a->option[OPTION_JSON] != NULL;
    struct error error = {""};
    if (!*interface)
        return could_not(json, "the contract has no `network`; name the interface");
    if (s->supervised && contract_wants(s->contract, GUARD_EGRESS) &&
        strcmp(interface, s->contract->network.interface) == 0)
        return could_not(json,
                         "`ecluse run` guards %s and would put them back: take `network` out of "
                         "the contract, or stop `ecluse run` first",
                         interface);
    int status = record_detach(a, s, interface);
    if (status != EXIT_DONE)
        return status;
    int found = egress_remove(interface, &error);
    return found < 0 ? could_not(json, "%s", error.text) : tell(json, interface, found > 0);
}

int command_detach(const struct arguments *a)
{
    struct situation s;
    int status = situation_open(a, &s);
    if (status != EXIT_DONE)
        return status;
    status = detach(a, &s, a->operand_count ? a->operand[0] : s.contract->network.interface);
    situation_close(&s);
    return status;
}
