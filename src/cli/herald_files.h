/* herald_files.h: what `status` found of shares, as metrics. */
#ifndef ECLUSE_HERALD_FILES_H
#define ECLUSE_HERALD_FILES_H

#include "outputs/metric.h"
#include "status/status.h"

/* Nothing where no guard of files tells of itself. */
void figures_of_files(const struct status *st, struct metric_page *page);

#endif
