/* must.h: what cannot happen unless we made a mistake.
 *
 * must(x) is on in release builds. It is for our own invariants only: input from outside is never
 * asserted on. When it fails, the process's handler is called with the text; if that returns, the
 * process aborts. The nginx module installs a handler that switches the module off in its worker
 * instead (it does not return).
 */
#ifndef ECLUSE_MUST_H
#define ECLUSE_MUST_H

typedef void (*must_handler)(const char *expression, const char *file, int line);

/* Per process; NULL restores the default (log and abort). */
void must_set_handler(must_handler handler);

_Noreturn void must_failed(const char *expression, const char *file, int line);

#define must(x) ((x) ? (void)0 : must_failed(#x, __FILE__, __LINE__))

#endif
