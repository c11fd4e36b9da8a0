/* mailer.h: a command that takes a mail on its standard input, run by a helper that can do nothing
 * else.
 *
 * The process that talks to receivers may start no program. So a helper is made before that: it
 * holds the command's path, takes one message after the other through a socket, and runs `PATH`
 * without arguments, without an environment but PATH, with nothing open but the message, for
 * MAILER_PATIENCE at most, in a process group that is killed then.
 *
 * Rights    the service account's, or the caller's when not started by root. Unlike every other
 *           process it does not rule out new privileges: sendmail of Debian's mail servers needs
 *           its own.
 */
#ifndef ECLUSE_MAILER_H
#define ECLUSE_MAILER_H

#include "base/base.h"

enum { MAILER_PATIENCE = 30 /* seconds */, MAILER_MESSAGE_MAX = 65536 };

struct mailer {
    int pid;    /* of the helper; 0: none */
    int socket; /* to it; -1: none */
};

/* Forks the helper. `become` is called in it first, to give up rights; a negative result ends it.
 * */
int mailer_start(const char *command, int (*become)(void *context), void *context,
                 struct mailer *out, struct error *error);

/* Gives it a message and waits until the command has ended: 0, or a negative errno with *error.
 * From one thread. */
int mailer_send(struct mailer *mailer, struct text message, struct error *error);

void mailer_stop(struct mailer *mailer);

#endif
