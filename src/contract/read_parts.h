/* read_parts.h: what read_value.c (single values) and read_list.c (lists and maps) share. */
#ifndef ECLUSE_READ_PARTS_H
#define ECLUSE_READ_PARTS_H

#include "contract/read.h"

/* A field's place in its struct, as a type. */
#define TARGET(type, field, base) ((type *)(void *)((char *)(base) + (field)->offset))

/* `key:` with nothing after it. */
bool nothing_written(const struct node *value);

/* "a list", "nothing", ...: what stands there. */
const char *kind_of(const struct node *value);

/* Whether the value is of this kind; reports it otherwise. */
bool expect(struct reading *r, const struct field *field, struct node *value, enum node_kind kind);
bool expect_word(struct reading *r, const char *what, struct node *value);

/* Index of the word among those of the field's type, or -1, reported. */
int read_word(struct reading *r, const struct field *field, struct node *value);

/* TYPE_ORIGIN to TYPE_SYSLOG. */
void read_endpoint(struct reading *r, const struct field *field, char *to, struct node *value);

/* A list or a map, of any type. */
void read_collection(struct reading *r, const struct field *field, void *base, struct node *value,
                     const struct node *map);

#endif
