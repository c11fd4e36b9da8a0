/* serve_parts.h: what `ecluse serve` needs of the machine: files, programs, ports. */
#ifndef ECLUSE_SERVE_PARTS_H
#define ECLUSE_SERVE_PARTS_H

#include "cli/nginx_conf.h"

#include <sys/types.h>

/* Makes DIR, what it lies in, and DIR/temp; returns DIR as an absolute path (owned), or NULL. */
char *serve_make_folder(const char *folder, struct error *error);

/* The named module, or the one beside this program, or in nginx's folder; absolute, owned. NULL
 * when there is none. */
char *serve_find_module(const char *named, struct error *error);

/* For nginx's `user` when started by root; NULL otherwise. */
const char *serve_workers_user(void);

/* How many descriptors a worker may have: what the hard limit allows, at most 65536. */
uint64_t serve_descriptors(void);

/* Starts a program (searched in PATH, /usr/sbin and /sbin) that ends when we end. -1 with errno. */
pid_t serve_start(const char *program, const char *const *words);

/* `nginx -t` of a file in the folder, silent when all is well; its own words go to standard error
 * when not. */
bool serve_nginx_test(const char *folder, const char *file, struct error *error);

/* Whether the users that nginx's workers run as can reach what they must read. */
bool serve_workers_may_enter(const struct contract *c, const char *folder, struct error *error);

bool serve_segment_is_there(const struct contract *c);

/* Whether an HTTP server answers there: anything that begins with "HTTP/". Waits for at most half a
 * second. */
bool serve_answers(const struct listener *listener);

/* Ends every child of ours but these (0: none): what a killed nginx or run left. */
void serve_end_orphans(const pid_t *but, size_t count);

#endif
