/* make-passes KEYS FIRST COUNT STEP: no measurement. Writes `ADDRESS COOKIE` lines: passes with an
 * hour of history, for COUNT loopback addresses from FIRST on, STEP apart; signed with the keys of
 * the front under test, so that a benchmark's customers need not come every few minutes first. */
#include "gate/pass.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    static struct keyring ring;
    struct error error = {""};
    struct in_addr first;
    if (count != 5 || inet_pton(AF_INET, arguments[2], &first) != 1 ||
        ntohl(first.s_addr) >> 24 != 127) {
        fputs("make-passes KEYS FIRST COUNT STEP (FIRST in 127.0.0.0/8)\n", stderr);
        return 2;
    }
    if (keyring_read(arguments[1], &ring, &error) < 0) {
        fprintf(stderr, "make-passes: %s\n", error.text);
        return 2;
    }
    int64_t now = clock_wall() / NANOS_SECOND;
    uint32_t step = (uint32_t)strtoul(arguments[4], NULL, 10);
    for (uint32_t i = 0; i < strtoul(arguments[3], NULL, 10); i++) {
        uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
        char cookie[PASS_TEXT_LENGTH], text[INET_ADDRSTRLEN];
        struct in_addr here = {htonl(ntohl(first.s_addr) + i * step)};
        struct pass pass;
        memcpy(address + 12, &here, 4);
        pass_begin(&pass, NULL, PASS_GIVEN, keyring_wide(&ring, address), now - 3600);
        pass.visits = 5;
        pass.renewed = now - 600;
        size_t length = pass_write(&ring, &pass, now, cookie);
        if (length == 0)
            return 2;
        inet_ntop(AF_INET, &here, text, sizeof text);
        printf("%s ecluse_pass=%.*s\n", text, (int)length, cookie);
    }
    return 0;
}
