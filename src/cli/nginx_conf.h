/* nginx_conf.h: the configurations that `ecluse serve` writes, and that a person may keep and edit:
 * the public's, and that of a lane, which is another nginx with workers of its own (docs/lanes.md).
 *
 * Its first line holds a checksum of the rest: a file that still matches is ours, and is written
 * anew at each start; one that does not, or that has no such line, was edited, and is never written
 * again.
 */
#ifndef ECLUSE_NGINX_CONF_H
#define ECLUSE_NGINX_CONF_H

#include "contract/contract.h"
#include "gate/standing.h"

struct origin { /* http://HOST[:PORT] or https://... */
    bool tls;
    char host[256]; /* an IPv6 address with its brackets */
    unsigned port;
};

struct listener {     /* ADDR:PORT */
    char address[64]; /* an IPv6 address with its brackets */
    unsigned port;
};

/* NAME=ADDR:PORT[,cert=FILE,key=FILE[,ca=FILE]] */
struct lane {
    char name[LANE_NAME_SIZE];
    struct listener listener;
    char certificate[CONTRACT_PATH_SIZE]; /* of the listener; absolute; "": without TLS */
    char key[CONTRACT_PATH_SIZE];
    char authority[CONTRACT_PATH_SIZE]; /* of devices' certificates; "": keys only */
};

/* Its files are looked for, since nginx would say less clearly that one is not there. */
bool lane_parse(const char *text, struct lane *out, struct error *error);

bool origin_parse(const char *url, struct origin *out, struct error *error);
bool listener_parse(const char *text, struct listener *out, struct error *error);

struct nginx_settings {
    const struct contract *contract;
    const struct lane *lane; /* NULL: the public's */
    struct origin origin;
    struct listener listener;
    const char *folder;   /* absolute */
    const char *module;   /* absolute */
    const char *user;     /* of the workers, "USER" or "USER GROUP"; NULL: they stay who we are */
    unsigned workers;     /* 0: one a processor */
    uint64_t descriptors; /* that a worker may open */
};

/* The text, without the first line; -ENOMEM, or -EINVAL for a path that nginx could not read as one
 * word. */
int nginx_conf_text(const struct nginx_settings *settings, char **out, struct error *error);

enum nginx_conf_result { NGINX_CONF_WRITTEN, NGINX_CONF_KEPT };

/* "nginx.conf", "lane.conf". */
const char *nginx_conf_name(const struct nginx_settings *settings);

/* Writes that file into FOLDER unless it was edited: *result tells which. */
int nginx_conf_write(const struct nginx_settings *settings, enum nginx_conf_result *result,
                     struct error *error);

/* Whether a file's content is as it was written: its first line has the checksum of the rest. */
bool nginx_conf_is_ours(const char *content, size_t length);

#endif
