#include "cli/audit_wish.h"

#include "cli/output.h"
#include "cli/typed_time.h"

#include <string.h>

int audit_wish_read(const struct arguments *a, struct audit_wish *out)
{
    bool json = a->option[OPTION_JSON] != NULL;
    const char *from = a->option[OPTION_FROM], *to = a->option[OPTION_TO],
               *kind = a->option[OPTION_KIND];
    enum act_kind named;
    struct audit_wish wish = {.kind = -1, .hold = a->option[OPTION_HOLD]};
    if ((from && !typed_time(from, &wish.from)) || (to && !typed_time(to, &wish.to)))
        return could_not(
            json, "--from and --to are a day or a time in UTC: 2026-11-20 or 2026-11-20T14:03:00Z");
    if (kind && !act_kind_named(text_of(kind), &named))
        return could_not(
            json, "--kind %.40s: there is no such kind of entry; docs/audit.md lists them", kind);
    if (kind)
        wish.kind = (int)named;
    *out = wish;
    return EXIT_DONE;
}

bool audit_wished(const struct audit_wish *wish, struct text text)
{
    struct entry entry;
    if (wish->kind < 0 && !wish->hold && !wish->from && !wish->to)
        return true;
    if (entry_parse(text, &entry) != 0)
        return false;
    return (wish->kind < 0 || entry.kind == (enum act_kind)wish->kind) &&
           (!wish->hold || strcmp(wish->hold, entry.act.hold) == 0) && entry.at >= wish->from &&
           (!wish->to || entry.at < wish->to);
}
