/* log.h: one line to standard error.
 *
 * "ecluse: text" for people; with a journald level prefix when standard error is the journal. A
 * line holds no names, addresses or secrets: principals are written by their kind and a salted
 * commitment only.
 */
#ifndef ECLUSE_LOG_H
#define ECLUSE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

/* Where lines go instead of standard error (the nginx module sends them to nginx's log). NULL
 * restores. */
typedef void (*log_writer)(enum log_level level, const char *line);
void log_set_writer(log_writer writer);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#endif
