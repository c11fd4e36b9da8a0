/* Any bytes as two Cookie headers: what is found lies in them, and no token in them is good. */
#include "gate/cookie.h"
#include "gate/puzzle.h"
#include "gate/ticket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct text value, struct text header)
{
    must(value.length == 0 ||
         (value.data >= header.data && value.data + value.length <= header.data + header.length));
    must(value.length == 0 || !memchr(value.data, ';', value.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring ring = {.count = 1};
    if (size < 1)
        return 0;
    size_t cut = data[0] % size;
    char *copy = malloc(size); /* of its own length, so that a read beyond it is seen */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    struct cookies found = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    cookies_read((struct text){copy, cut}, &found);
    cookies_read((struct text){copy + cut, size - cut}, &found);
    within(found.pass, (struct text){copy, size});
    within(found.proof, (struct text){copy, size});
    within(found.ticket, (struct text){copy, size});
    /* The ring's key is all zeroes, and so is its name: a fuzzer finds the way to the MAC. */
    struct pass pass;
    uint8_t id[PASS_ID_SIZE];
    unsigned wait;
    must(pass_read(&ring, found.pass, 0, 0, &pass) != TOKEN_NONE);
    must(puzzle_redeem(&ring, found.proof, 0, 0, id) != TOKEN_NONE);
    must(ticket_redeem(&ring, found.ticket, 0, 0, id, &wait) != TOKEN_NONE);
    free(copy);
    return 0;
}
