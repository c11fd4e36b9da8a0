/* herald_figures.h: what `status` found, as metrics (outputs/metric.h). */
#ifndef ECLUSE_HERALD_FIGURES_H
#define ECLUSE_HERALD_FIGURES_H

#include "outputs/metric.h"
#include "outputs/tally.h"
#include "status/status.h"

void figures_write(const struct status *st, struct metric_page *page);

void figures_of_outputs(const struct output_state states[OUTPUT_COUNT], struct metric_page *page);

#endif
