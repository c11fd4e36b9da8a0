/* notice.h: an incident as a webhook's JSON and as a mail.
 *
 * The JSON has `text`, which chat services in the manner of Slack and Mattermost show, and the same
 * in parts for programs. `id` and `version` together are the same when a message is sent again.
 */
#ifndef ECLUSE_NOTICE_H
#define ECLUSE_NOTICE_H

#include "outputs/incident.h"

enum { NOTICE_SIZE = 16384 };

struct notice_source { /* borrowed */
    const char *organisation, *host, *desk; /* desk: its address, or "" */
    /* What to do about a kind of alarm: a sentence, or "". */
    const char *(*remedy)(const char *kind);
};

enum notice_state { NOTICE_BEGAN, NOTICE_GREW, NOTICE_OVER };

enum notice_state notice_state(const struct incident *incident);
const char *notice_state_name(enum notice_state state); /* "began", "grew", "over" */

void notice_json(const struct notice_source *source, const struct incident *incident,
                 struct writer *out);

/* Headers and body (RFC 5322), lines ending in \n: for a command like sendmail, which adds From and
 * To. */
void notice_mail(const struct notice_source *source, const struct incident *incident, int64_t wall,
                 struct writer *out);

#endif
