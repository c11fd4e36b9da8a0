/* fields_page.h: what ecluse-fields writes. No part of the room's library. */
#ifndef ECLUSE_FIELDS_PAGE_H
#define ECLUSE_FIELDS_PAGE_H

#include "contract/fields.h"

void fields_markdown(FILE *out); /* docs/contract.md */
void fields_schema(FILE *out);   /* docs/contract.schema.json, JSON Schema draft 2020-12 */
void fields_manual(FILE *out);   /* docs/man/ecluse.yaml.5, mdoc(7) */

/* ---- Shared by the three --------------------------------------------------------------------- */

/* What may be written, in words: "a duration, 1s to 30d (4h)". */
void field_value_words(const struct field *field, char *out, size_t size);
/* "required", "with `over: hold`", "24h if not written", or "". */
void field_need_words(const struct field *field, char *out, size_t size);
/* Sections in the order of the table; SCOPE_COUNT of them. What one is about, for its heading. */
const char *scope_title(enum field_scope scope);
/* A whole small contract, line by line, ended by NULL. */
extern const char *const EXAMPLE_CONTRACT[];

#endif
