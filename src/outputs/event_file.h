/* event_file.h: a file of lines that others read while it grows.
 *
 * Opened for appending; opened again when its name belongs to another file (it was rotated) or when
 * the caller says so. A line is there whole or not at all: what a full disk cut off is taken back.
 * Only a regular file is written, so that nobody's pipe can hold us up.
 */
#ifndef ECLUSE_EVENT_FILE_H
#define ECLUSE_EVENT_FILE_H

#include "base/base.h"

struct event_file;

int event_file_new(const char *path, struct event_file **out, struct error *error);
void event_file_free(struct event_file *file); /* takes NULL */

/* Appends a line, its end included: 0 or a negative errno with *error; nothing of it is then in the
 * file. */
int event_file_append(struct event_file *file, struct text line, struct error *error);

/* Opens it anew at the next line. */
void event_file_reopen(struct event_file *file);
/* The same when its name belongs to another file by now: to be called about once a second. */
void event_file_look(struct event_file *file);

#endif
