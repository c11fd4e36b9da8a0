/* telling.h: each act in the words of those who listen: the Elastic Common Schema's categories
 * (ECS 8, event.kind, .category, .type, .outcome) and syslog's severities (RFC 5424, 6.2.1).
 */
#ifndef ECLUSE_TELLING_H
#define ECLUSE_TELLING_H

#include "audit/act.h"

enum severity {
    SEVERITY_ALERT = 1,
    SEVERITY_CRITICAL,
    SEVERITY_ERROR,
    SEVERITY_WARNING,
    SEVERITY_NOTICE,
    SEVERITY_INFO,
};

/* act, event.kind, event.category, event.type, event.outcome, severity */
#define TELLINGS(X)                                                                                \
    X(STARTED,          "event",          "process",             "start",   "success", NOTICE)     \
    X(STOPPED,          "event",          "process",             "end",     "success", NOTICE)     \
    X(GUARD_UP,         "event",          "process",             "start",   "success", NOTICE)     \
    X(GUARD_DOWN,       "event",          "process",             "end",     "failure", ERROR)      \
    X(CONTRACT,         "event",          "configuration",       "change",  "success", NOTICE)     \
    X(CONTRACT_REFUSED, "event",          "configuration",       "info",    "failure", WARNING)    \
    X(HOLD,             "event",          "intrusion_detection", "denied",  "success", NOTICE)     \
    X(HOLDS,            "event",          "intrusion_detection", "denied",  "success", WARNING)    \
    X(EXPIRY,           "event",          "intrusion_detection", "info",    "success", INFO)       \
    X(EXPIRIES,         "event",          "intrusion_detection", "info",    "success", INFO)       \
    X(RELEASE,          "event",          "intrusion_detection", "allowed", "success", NOTICE)     \
    X(BREAKER,          "alert",          "intrusion_detection", "allowed", "unknown", WARNING)    \
    X(PANIC,            "alert",          "configuration",       "change",  "success", CRITICAL)   \
    X(PANIC_OFF,        "event",          "configuration",       "change",  "success", NOTICE)     \
    X(INGEST,           "event",          "database",            "change",  "success", INFO)       \
    X(CLOCK_JUMP,       "event",          "host",                "change",  "unknown", WARNING)    \
    X(ALARM,            "alert",          "host",                "info",    "unknown", ERROR)      \
    X(SIGN_IN,          "event",          "authentication",      "start",   "success", INFO)       \
    X(SIGN_IN_FAILED,   "event",          "authentication",      "start",   "failure", WARNING)    \
    X(OPERATOR,         "event",          "configuration",       "info",    "success", NOTICE)     \
    X(EXPORT,           "event",          "file",                "access",  "success", NOTICE)     \
    X(ERASED,           "event",          "database",            "change",  "success", NOTICE)     \
    X(LOST,             "pipeline_error", "host",                "info",    "failure", ERROR)      \
    X(KEY,              "event",          "configuration",       "change",  "success", WARNING)

struct telling {
    const char *kind, *category, *type, *outcome;
    enum severity severity;
};

/* An act that the table does not have yet is told as information about the host. */
struct telling telling_of(enum act_kind kind);

/* The table as docs/outputs.md has it. */
void telling_markdown(struct writer *out);

#endif
