/* herald_parts.h: what the herald's threads share. */
#ifndef ECLUSE_HERALD_PARTS_H
#define ECLUSE_HERALD_PARTS_H

#include "cli/herald.h"
#include "cli/herald_look.h"
#include "outputs/outputs.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CHANNEL_RECORD, CHANNEL_WEBHOOK, CHANNEL_MAIL };
_Static_assert((int)CHANNEL_MAIL < (int)INCIDENT_CHANNELS, "each has its place in an incident");

/* A secret's file, which the herald read as root and cannot read again: once it looks otherwise,
 * and the same at two looks, another herald reads it. */
struct herald_secret {
    const char *path;
    struct secret_look read, seen;
};

struct herald {
    struct child_words child;
    /* as it was when the process began: another one begins another process */
    struct contract *contract;
    const struct control *control;
    uint64_t generation;
    char host[256], outputs[CONTRACT_PATH_SIZE + 16], audit[CONTRACT_PATH_SIZE + 16];
    struct notice_source notice;
    struct tally tally;
    struct handover *ring;
    struct mailer mailer;
    struct post *webhook, *heartbeat;
    struct herald_secret secret[2];
    unsigned secrets;
    int metrics; /* listening; -1: none */
    unsigned channels; /* one bit each */

    pthread_mutex_t lock; /* of what follows */
    struct look *look;
    nanos_t looked; /* boot clock; 0: never */
    struct incidents incidents;

    atomic_bool stop, broken, reopen, save;
};

/* One thread each; they end soon after `stop`. */
void *herald_events(void *herald);
void *herald_syslog(void *herald);
void *herald_webhook(void *herald);
void *herald_mail(void *herald);
void *herald_heartbeat(void *herald);
/* Writes down what the others know: incidents and tally. */
void *herald_saver(void *herald);

/* Sleeps for so long, or until `stop`. */
void herald_wait(struct herald *h, nanos_t span);

/* Serves GET /metrics on h->metrics, in threads of libmicrohttpd's. NULL when it cannot. */
struct MHD_Daemon *herald_serve(struct herald *h);

bool herald_read_incidents(struct herald *h);

#endif
