/* metric.h: the figures that Prometheus fetches.
 *
 * One table: names and units by Prometheus's conventions (base units, `_total` for what only grows,
 * `_ratio` for shares, `_info`). A page is written family by family, in any order of families, each
 * once: metric_family(), then its samples.
 *
 * Forms     OpenMetrics 1.0 ("# EOF" at the end, counters named without `_total` in TYPE) for who
 *           asks for it; else the older Prometheus text format 0.0.4.
 * Labels    their values come from the contract and from tables of ours only: budgets, promises,
 *           feeds, guards. Never a principal.
 */
#ifndef ECLUSE_METRIC_H
#define ECLUSE_METRIC_H

#include "base/base.h"
#include "budget/guard.h"

/* constant, name of the family, type, unit, labels, what it says */
#define METRICS_OF_STATE                                                                           \
    X(BUILD, "ecluse_build", INFO, "", "version", "The version that runs")                         \
    X(SUPERVISOR_UP, "ecluse_supervisor_up", GAUGE, "", "", "1 while `ecluse run` runs")           \
    X(STARTED, "ecluse_supervisor_start_timestamp_seconds", GAUGE, "seconds", "",                  \
      "When `ecluse run` began")                                                                   \
    X(LOOKED, "ecluse_look_timestamp_seconds", GAUGE, "seconds", "",                               \
      "When these figures were taken")                                                             \
    X(GENERATION, "ecluse_contract_generation", GAUGE, "", "",                                     \
      "The contract in force: 1 more at each change")                                              \
    X(CONTRACT_REFUSED, "ecluse_contract_refused", GAUGE, "", "",                                  \
      "1 when the contract's file was changed and the change is not in force")                     \
    X(OBSERVES, "ecluse_observe", GAUGE, "", "",                                                   \
      "1 when the whole contract only observes, 0 when it enforces")                               \
    X(PANIC, "ecluse_panic", GAUGE, "", "", "1 while a panic keeps everything in observe")         \
    X(ALARMS, "ecluse_alarms", GAUGE, "", "alarm", "How many alarms of this kind there are now")   \
    X(GUARD_UP, "ecluse_guard_up", GAUGE, "", "guard", "1 while a process of the guard answers")   \
    X(GUARD_PROCESSES, "ecluse_guard_processes", GAUGE, "", "guard",                               \
      "Processes of the guard that answer")                                                        \
    X(KEEPER_UP, "ecluse_keeper_up", GAUGE, "", "", "1 while the keeper of the store runs")        \
    X(PROMISE_BROKEN, "ecluse_promise_broken", GAUGE, "", "promise",                               \
      "1 while the promise is broken")                                                             \
    X(PROMISE_KEPT, "ecluse_promise_kept_ratio", GAUGE, "ratio", "promise",                        \
      "Answers in time among all, over the promise's window")                                      \
    X(PROMISE_PROMISED, "ecluse_promise_promised_ratio", GAUGE, "ratio", "promise",                \
      "What was promised of it")                                                                   \
    X(PROMISE_ANSWERS, "ecluse_promise_window_answers", GAUGE, "", "promise",                      \
      "Answers within the promise's window")                                                       \
    X(PROMISE_LEFT, "ecluse_promise_failures_left", GAUGE, "", "promise",                          \
      "Failures that the window still bears before the promise breaks")                            \
    X(PROMISE_DELAY, "ecluse_promise_delay_seconds", GAUGE, "seconds", "promise,quantile",         \
      "Upper bound of this share of the answers' delays, over the promise's window")               \
    X(BUDGET_VERDICTS, "ecluse_budget_verdicts", COUNTER, "", "budget,verdict",                    \
      "What the budget decided; would_ is what it would have, in observe")                         \
    X(BUDGET_WIDER, "ecluse_budget_charged_wider", COUNTER, "", "budget,to",                       \
      "Charges counted for the network or for all others, because rings were short")               \
    X(BUDGET_NO_SLOT, "ecluse_budget_holds_without_slot", COUNTER, "", "budget",                   \
      "Holds that found no free slot")                                                             \
    X(BUDGET_PRINCIPALS, "ecluse_budget_principals", GAUGE, "", "budget",                          \
      "Principals that have a count of their own")                                                 \
    X(BUDGET_HELD, "ecluse_budget_held", GAUGE, "", "budget", "Principals held now")               \
    X(BUDGET_WORST, "ecluse_budget_worst_ratio", GAUGE, "ratio", "budget",                         \
      "How much of its limit the principal nearest to it has spent")                               \
    X(BUDGET_BREAKER, "ecluse_budget_breaker_open", GAUGE, "", "budget",                           \
      "1 while the budget stops only who is four times over: else it would hold too many")         \
    X(HOLDS, "ecluse_holds", GAUGE, "", "", "Holds in force")                                      \
    X(STORE_UP, "ecluse_store_readable", GAUGE, "", "",                                            \
      "1 while the store of parcels can be read")                                                  \
    X(STORE_PARCELS, "ecluse_store_parcels", GAUGE, "", "", "Parcels in the store")                \
    X(STORE_USED, "ecluse_store_used_bytes", GAUGE, "bytes", "",                                   \
      "Bytes of the store that hold something")                                                    \
    X(STORE_FILE, "ecluse_store_file_bytes", GAUGE, "bytes", "", "Size of the store's file")       \
    X(FILTER_UP, "ecluse_filter_usable", GAUGE, "", "",                                            \
      "1 while the filter of live numbers can be used")                                            \
    X(FEED_LAST, "ecluse_feed_last_event_timestamp_seconds", GAUGE, "seconds", "source",           \
      "When a source sent its last event")                                                         \
    X(FEED_HOUR, "ecluse_feed_hour_events", GAUGE, "", "source",                                   \
      "Events that a source sent this hour")                                                       \
    X(DISK_FREE, "ecluse_disk_free_ratio", GAUGE, "ratio", "",                                     \
      "Free share of the disk under `state`")                                                      \
    X(RECORDER_UP, "ecluse_audit_recorder_up", GAUGE, "", "",                                      \
      "1 while the audit log becomes durable in time")                                             \
    X(AUDIT_ENTRIES, "ecluse_audit_entries", COUNTER, "", "", "Durable entries of the audit log")  \
    X(AUDIT_WITNESSED, "ecluse_audit_witnessed_entries", GAUGE, "", "",                            \
      "Entries of the audit log that a witness cosigned")                                          \
    X(AUDIT_WAITING, "ecluse_audit_waiting_acts", GAUGE, "", "from",                               \
      "Acts handed over that are not durable yet")                                                 \
    X(AUDIT_LOST, "ecluse_audit_lost_acts", COUNTER, "", "from", "Acts that could not be taken")   \
    X(GATE_VERDICTS, "ecluse_gate_verdicts", COUNTER, "", "rule,mode",                             \
      "What the front's gate decided; mode `would`: in observe, where it is not done")             \
    X(GATE_KNOWN_REFUSED, "ecluse_gate_known_refused", COUNTER, "", "",                            \
      "Callers with history, a key or a lane who were refused all the same")                       \
    X(GATE_LET_THROUGH, "ecluse_gate_let_through", COUNTER, "", "standing",                        \
      "Requests let through to an origin, by the caller's standing")                               \
    X(GATE_TOKENS, "ecluse_gate_tokens_refused", COUNTER, "", "fault",                             \
      "Passes, proofs, tickets and signatures that did not count")                                 \
    X(GATE_CHALLENGES, "ecluse_gate_route_challenges", GAUGE, "", "route",                         \
      "1 while the route asks strangers for proof")                                                \
    X(GATE_LIMIT, "ecluse_gate_origin_limit", GAUGE, "", "origin",                                 \
      "Requests that the origin is given at once, all workers together")                           \
    X(GATE_IN_FLIGHT, "ecluse_gate_origin_in_flight", GAUGE, "", "origin",                         \
      "Requests that it is working on")                                                            \
    X(GATE_WAITING, "ecluse_gate_origin_waiting", GAUGE, "", "origin",                             \
      "Requests that wait for a place there")                                                      \
    X(GATE_LAG, "ecluse_gate_loop_lag_seconds", GAUGE, "seconds", "",                              \
      "By how much a worker's event loop was late in the last second, at worst")                   \
    X(GATE_CONNECTIONS, "ecluse_gate_connections_ratio", GAUGE, "ratio", "",                       \
      "Share of the workers' connections that is in use")                                          \
    X(FILES_LISTENER_UP, "ecluse_files_listener_up", GAUGE, "", "",                                \
      "1 while opens on shares are answered")                                                      \
    X(FILES_LISTENER_DEATHS, "ecluse_files_listener_deaths", COUNTER, "", "",                      \
      "Listeners that died or were ended by the watchdog")                                         \
    X(FILES_FROZEN, "ecluse_files_stopped_trees", GAUGE, "", "",                                   \
      "Process trees that stand still")                                                            \
    X(FILES_ACTS, "ecluse_files_acts", COUNTER, "", "act",                                         \
      "What the listener counted; docs/files.md says what each means")                             \
    X(FILES_GUARDED, "ecluse_files_share_guarded", GAUGE, "", "share",                             \
      "1 while opens on the share are asked about")                                                \
    X(FILES_COVERED, "ecluse_files_share_covered", GAUGE, "", "share",                             \
      "1 while the vault has the last version of every file that it can keep")                     \
    X(FILES_OPENED_BEFORE, "ecluse_files_share_opened_before", GAUGE, "", "share",                 \
      "Descriptors open for writing since before the guard began")                                 \
    X(FILES_KEPT, "ecluse_files_vault_files", GAUGE, "", "share",                                  \
      "Files whose last version the vault has")                                                    \
    X(FILES_PAST, "ecluse_files_vault_past_bytes", GAUGE, "bytes", "share",                        \
      "What past versions take")                                                                   \
    X(FILES_PAST_MOST, "ecluse_files_vault_past_limit_bytes", GAUGE, "bytes", "share",             \
      "What they may take")                                                                        \
    X(FILES_NOT_COVERED, "ecluse_files_vault_not_covered", COUNTER, "", "share",                   \
      "Versions that the vault could not keep")

#define METRICS_OF_OUTPUTS                                                                         \
    X(OUTPUT_UP, "ecluse_output_up", GAUGE, "", "output",                                          \
      "1 while the output tells what it has to")                                                   \
    X(OUTPUT_TOLD, "ecluse_output_told", COUNTER, "", "output",                                    \
      "What the output told since this process began: entries, messages, beats")                   \
    X(OUTPUT_FAILED, "ecluse_output_failures", COUNTER, "", "output",                              \
      "Tries that failed since this process began")                                                \
    X(OUTPUT_SKIPPED, "ecluse_output_skipped", COUNTER, "", "output",                              \
      "What was never told: entries too many behind, messages beyond the rate")                    \
    X(OUTPUT_BEHIND, "ecluse_output_behind", GAUGE, "", "output", "What is still to be told")

/* The front's own counters (budget/guard.h), one metric each. */
#define METRIC_OF_COUNTER(constant, name, what)                                                    \
    X(FRONT_##constant, "ecluse_front_" name, COUNTER, "", "", what)

/* Used with a macro X(constant, name, type, unit, labels, what) defined around it. */
#define METRICS                                                                                    \
    METRICS_OF_STATE GUARD_COUNTERS(METRIC_OF_COUNTER)                                             \
    METRICS_OF_OUTPUTS

enum metric {
#define X(constant, ...) METRIC_##constant,
    METRICS
#undef X
        METRIC_COUNT
};

enum metric_type { METRIC_TYPE_GAUGE, METRIC_TYPE_COUNTER, METRIC_TYPE_INFO };

const char *metric_name(enum metric metric); /* of the family: without _total and _info */

struct metric_page {
    struct writer *out;
    bool open_metrics;
    enum metric family; /* METRIC_COUNT before the first */
};

struct metric_page metric_page_on(struct writer *out, bool open_metrics);

/* HELP, TYPE and UNIT of a family; its samples follow. */
void metric_family(struct metric_page *page, enum metric metric);

/* A sample of the family begun last: one value for each of its labels, in the table's order (NULL
 * after them). Values are escaped, and what is not UTF-8 in them becomes ?. */
void metric_sample(struct metric_page *page, double value, ...) __attribute__((sentinel));

/* A family with one sample without labels. */
void metric_single(struct metric_page *page, enum metric metric, double value);

void metric_end(struct metric_page *page);

/* Content-Type of either form. */
const char *metric_content_type(bool open_metrics);

/* The table as docs/outputs.md has it. */
void metric_markdown(struct writer *out);

#endif
