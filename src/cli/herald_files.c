#include "cli/herald_files.h"

static double share_figure(const struct files_share_state *share, enum metric metric)
{
    const struct vault_state *vault = &share->vault.vault;
    switch (metric) {
    case METRIC_FILES_GUARDED:
        return share->guarded;
    case METRIC_FILES_COVERED:
        return share->covered && share->vault.pass.ended;
    case METRIC_FILES_OPENED_BEFORE:
        return share->opened_before;
    case METRIC_FILES_KEPT:
        return (double)vault->files;
    case METRIC_FILES_PAST:
        return (double)vault->past_bytes;
    case METRIC_FILES_PAST_MOST:
        return (double)vault->at_most;
    default:
        return (double)(vault->not_covered + vault->failed);
    }
}

static void write_shares(const struct status *st, struct metric_page *page)
{
    static const enum metric families[] = {
        METRIC_FILES_GUARDED, METRIC_FILES_COVERED,   METRIC_FILES_OPENED_BEFORE, METRIC_FILES_KEPT,
        METRIC_FILES_PAST,    METRIC_FILES_PAST_MOST, METRIC_FILES_NOT_COVERED};
    unsigned count = st->files.share_count < st->s.contract->share_count
                         ? st->files.share_count
                         : st->s.contract->share_count;
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        metric_family(page, families[f]);
        for (unsigned i = 0; i < count; i++)
            metric_sample(page, share_figure(&st->files.share[i], families[f]),
                          st->s.contract->share[i].name, NULL);
    }
}

void figures_of_files(const struct status *st, struct metric_page *page)
{
    if (!st->has_files)
        return;
    metric_single(page, METRIC_FILES_LISTENER_UP, st->files.listener != 0);
    metric_single(page, METRIC_FILES_LISTENER_DEATHS, (double)st->files.deaths);
    metric_single(page, METRIC_FILES_FROZEN, st->files.frozen);
    metric_family(page, METRIC_FILES_ACTS);
    for (unsigned i = 0; i < BOARD_COUNT_COUNT; i++)
        metric_sample(page, (double)st->files.count[i], board_count_name((enum board_count)i),
                      NULL);
    write_shares(st, page);
}
