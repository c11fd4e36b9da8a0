/* What a stream sends, and whether an answer is what it came for. */
#include "traffic.h"

#include <stdio.h>
#include <string.h>

static void letters(uint64_t *random, char *out, size_t count)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < count; i++)
        out[i] = set[random_next(random) % (sizeof set - 1)];
    out[count] = '\0';
}

/* UPU S10: two letters, eight digits, their check digit, two letters. */
static void random_s10(uint64_t *random, char *out)
{
    static const unsigned weight[] = {8, 6, 4, 2, 3, 5, 9, 7};
    unsigned sum = 0;
    out[0] = (char)('A' + random_next(random) % 26);
    out[1] = (char)('A' + random_next(random) % 26);
    for (unsigned i = 0; i < 8; i++) {
        unsigned digit = (unsigned)(random_next(random) % 10);
        sum += digit * weight[i];
        out[2 + i] = (char)('0' + digit);
    }
    unsigned check = 11 - sum % 11;
    out[10] = (char)('0' + (check == 10 ? 0 : check == 11 ? 5 : check));
    memcpy(out + 11, "FR", 3);
}

void traffic_request_make(struct traffic_plan *plan, struct traffic_stream *s, uint64_t i,
                          struct traffic_request *out)
{
    char name[16], word[16];
    *out = (struct traffic_request){.method = "GET"};
    if (s->cookies)
        out->cookie = s->cookie[i % s->cookies];
    switch (s->kind) {
    case TRAFFIC_LOOKUP:
        out->mark = plan->numbers.text +
                    plan->numbers.number[random_next(&plan->random) % plan->numbers.numbers];
        snprintf(out->path, sizeof out->path, "/suivi/%s", out->mark);
        break;
    case TRAFFIC_RANDOM:
        random_s10(&plan->random, name);
        snprintf(out->path, sizeof out->path, "/suivi/%s", name);
        break;
    case TRAFFIC_JUNK:
        letters(&plan->random, name, 6 + random_next(&plan->random) % 7);
        snprintf(out->path, sizeof out->path, "/suivi/%s", name);
        break;
    case TRAFFIC_QUERY:
        letters(&plan->random, name, 10);
        snprintf(out->path, sizeof out->path, "/recherche?q=%s", name);
        break;
    case TRAFFIC_LOGIN:
        out->method = "POST";
        letters(&plan->random, name, 8);
        letters(&plan->random, word, 10);
        snprintf(out->path, sizeof out->path, "/connexion");
        snprintf(out->body, sizeof out->body, "identifiant=%s&motdepasse=%s", name, word);
        break;
    default:
        out->method = "POST";
        snprintf(out->path, sizeof out->path, "/scans");
        snprintf(out->body, sizeof out->body, "scan=%llu", (unsigned long long)i);
    }
}

bool traffic_is_good(const struct traffic_stream *s, unsigned status)
{
    (void)s;
    return status == 200;
}
