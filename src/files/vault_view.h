/* vault_view.h: the writing side of the view (vault_service.h). Room's own. */
#ifndef ECLUSE_FILES_VAULT_VIEW_H
#define ECLUSE_FILES_VAULT_VIEW_H

#include "files/vault_service.h"

#include <stdatomic.h>

void vault_view_begin(struct vault_view *view, struct hash_key key);
void vault_view_mark(struct vault_view *view, uint64_t mark, bool kept);
void vault_view_refuse(struct vault_view *view, const uint32_t *users, size_t count);
void vault_view_press(struct vault_view *view, bool pressed);
/* Whether there are limits that are newer than *seen; then they are in *out. */
bool vault_view_limited(const struct vault_view *view, uint64_t *seen, struct vault_limits *out);
void vault_view_tell(struct vault_view *view, const struct vault_report *report);

#endif
