/* `ecluse replay`: what this contract would have done to a capture or a flow log.
 *
 * Inputs are opened and the rings are made first, with the rights of whoever asked; the folder of
 * the rings is removed at once, since only their mappings are used; then all rights are given up,
 * and only then is a byte of an input read.
 */
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/replay_view.h"
#include "cli/rights.h"
#include "cli/situation.h"

#include "egress/record_input.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct play {
    const struct arguments *a;
    bool json;
    struct contract *contract;
    struct inputs inputs;
    size_t input;    /* the one that is read */
    uint64_t before; /* bytes of those before it */
    struct replay *replay;
    struct progress progress;
    struct replay_fault fault[FAULT_COUNT];
    struct replay_view view;
    const char *decompressor; /* of the first compressed input */
    nanos_t began;
};

/* ---- A folder that is gone before the first byte is read ------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    remove(path);
    return 0;
}

/* In memory where the machine has such a place: nothing of this is to be kept. */
static bool folder_make(char *out, size_t size)
{
    const char *wanted = getenv("TMPDIR");
    const char *const places[] = {wanted && *wanted ? wanted : "/dev/shm", "/tmp"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if ((size_t)snprintf(out, size, "%s/ecluse-replay-XXXXXX", places[i]) < size &&
            mkdtemp(out))
            return true;
    return false;
}

static int replay_begin(struct play *p)
{
    struct error error = {""};
    char folder[CONTRACT_PATH_SIZE / 2];
    if (!folder_make(folder, sizeof folder))
        return could_not(p->json, "no folder for the counts can be made (%s): set TMPDIR",
                         strerror(errno));
    int code = replay_open(p->contract, folder, &p->replay, &error);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (code == -EINVAL)
        return could_not(p->json, "%s: there is nothing to replay against", error.text);
    return code < 0 ? could_not(p->json, "%s", error.text) : EXIT_DONE;
}

static int give_up_rights(struct play *p)
{
    struct error error;
    struct account account = account_of_service(p->contract->state);
    const struct rights_paths paths = {.writable = NULL};
    const char *partly;
    if (rights_drop(&account, &error) < 0 || rights_confine(&paths, &partly, &error) < 0)
        return could_not(p->json, "%s", error.text);
    return EXIT_DONE;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void on_frame(void *context, const struct replay_frame *frame)
{
    replay_frame(((struct play *)context)->replay, frame);
}

static void on_flow(void *context, const struct replay_flow *flow)
{
    replay_flow(((struct play *)context)->replay, flow);
}

static void on_fault(void *context, enum record_fault fault, uint64_t place)
{
    struct play *p = context;
    struct replay_fault *f = &p->fault[fault];
    if (f->count < REPLAY_PLACES_TOLD) {
        f->first[f->count].input = p->input;
        f->first[f->count].place = place;
    }
    f->count++;
}

static void on_other(void *context)
{
    ((struct play *)context)->view.other++;
}

static void on_progress(void *context, uint64_t bytes)
{
    struct play *p = context;
    const struct replay_report *r = replay_so_far(p->replay);
    progress_show(&p->progress, p->before + bytes, r->frames + r->flows + p->view.other,
                  clock_boot());
}

static int read_inputs(struct play *p)
{
    const struct record_sink sink = {.frame = on_frame,
                                     .flow = on_flow,
                                     .fault = on_fault,
                                     .other = on_other,
                                     .progress = on_progress,
                                     .context = p};
    for (p->input = 0; p->input < p->inputs.count; p->input++) {
        struct record_input in;
        if (record_input(p->inputs.input[p->input].descriptor, &sink, &in) < 0)
            return could_not(p->json, "no memory to read with");
        p->before += in.bytes;
        if (!p->decompressor)
            p->decompressor = in.decompressor;
    }
    p->view.bytes = p->before;
    p->view.report = replay_end(p->replay);
    progress_end(&p->progress);
    return EXIT_DONE;
}

/* Whether anything at all was understood. */
static int judge(const struct play *p)
{
    const struct replay_report *r = p->view.report;
    if (replay_view_faults(&p->view) == 0)
        return EXIT_DONE;
    if (r->frames + r->flows + p->view.other)
        return EXIT_PARTLY;
    const char *name = p->inputs.input[0].name;
    if (p->decompressor)
        return could_not(p->json, "%s is compressed: %s FILE | ecluse replay -", name,
                         p->decompressor);
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        if (p->fault[i].count)
            return could_not(p->json,
                             "nothing in %s could be read: it %s. Read are pcap, pcapng, Zeek's "
                             "conn.log (tab-separated or JSON) and flow records of Suricata's EVE",
                             p->inputs.input[p->fault[i].first[0].input].name,
                             record_fault_text((enum record_fault)i));
    return could_not(p->json, "nothing in %s could be read: no packet has an IP header", name);
}

static int replay_all(struct play *p)
{
    p->contract = contract_load(contract_file(p->a), p->json);
    if (p->contract == NULL)
        return EXIT_COULD_NOT;
    int status = inputs_open(p->a, p->json, &p->inputs);
    if (status == EXIT_DONE)
        status = replay_begin(p);
    if (status == EXIT_DONE)
        status = give_up_rights(p);
    if (status != EXIT_DONE)
        return status;
    p->progress = progress_begin(p->inputs.total, "records", clock_boot());
    p->view =
        (struct replay_view){.contract = p->contract, .inputs = &p->inputs, .fault = p->fault};
    status = read_inputs(p);
    if (status != EXIT_DONE)
        return status;
    p->view.took = clock_boot() - p->began;
    status = judge(p);
    if (status == EXIT_COULD_NOT)
        return status;
    if (p->json)
        replay_view_json(&p->view);
    else
        replay_view_text(&p->view);
    return status;
}

int command_replay(const struct arguments *a)
{
    struct play p = {.a = a, .json = a->option[OPTION_JSON] != NULL, .began = clock_boot()};
    int status = replay_all(&p);
    replay_close(p.replay);
    inputs_close(&p.inputs);
    free(p.contract);
    return status;
}
