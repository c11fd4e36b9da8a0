#include "stage_tokens.h"

#include "front/forwarded.h"
#include "gate/client_key.h"
#include "gate/puzzle.h"
#include "gate/ticket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROTATE_SECONDS = 7 * 86400 };

static int workers = -1;

static int64_t seconds_now(void)
{
    return clock_wall() / NANOS_SECOND;
}

int tokens_begin(const struct contract *c, int group, struct error *error)
{
    char path[KEYRING_PATH_SIZE], folder[KEYRING_PATH_SIZE];
    workers = group;
    keyring_path(c, path);
    keyring_folder(c, folder);
    if (mkdir(folder, 0750) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s cannot be made", folder);
    if (geteuid() == 0 && chown(folder, 0, (gid_t)group) < 0)
        return error_set(error, -errno, "%s cannot be given to the workers", folder);
    return keyring_rotate(path, seconds_now(), ROTATE_SECONDS, group, error);
}

static bool ring_of(const struct contract *c, struct keyring *ring)
{
    char path[KEYRING_PATH_SIZE];
    struct error error;
    keyring_path(c, path);
    return keyring_read(path, ring, &error) == 0;
}

static void tell(const char *text, size_t length)
{
    printf("{\"cookie\":\"%.*s\"}\n", (int)length, text);
}

static void tell_pass(const struct keyring *ring, uint32_t wide, const char *rest)
{
    unsigned visits;
    long age;
    char from[8], text[PASS_TEXT_LENGTH];
    struct pass pass;
    if (sscanf(rest, "%u %ld %7s", &visits, &age, from) != 3) {
        puts("{\"error\":\"pass ADDRESS VISITS AGE given|proven\"}");
        return;
    }
    pass_begin(&pass, NULL, strcmp(from, "proven") == 0 ? PASS_PROVEN : PASS_GIVEN, wide,
               seconds_now() - age);
    pass.visits = (uint8_t)visits;
    tell(text, pass_write(ring, &pass, seconds_now(), text));
}

static void tell_token(const struct contract *c, const char *command, const char *argument)
{
    char address_text[64], text[TOKEN_TEXT_LENGTH(TOKEN_BYTES_MAX)];
    uint8_t address[16];
    int taken = 0;
    struct keyring ring;
    if (sscanf(argument, "%63s %n", address_text, &taken) != 1 ||
        !address_parse(text_of(address_text), address) || !ring_of(c, &ring)) {
        puts("{\"error\":\"no address, or no keys\"}");
        return;
    }
    uint32_t wide = keyring_wide(&ring, address);
    unsigned number = (unsigned)atoi(argument + taken);
    if (strcmp(command, "pass") == 0)
        tell_pass(&ring, wide, argument + taken);
    else if (strcmp(command, "puzzle") == 0)
        tell(text, puzzle_write(&ring, number, wide, seconds_now(), text));
    else
        tell(text, ticket_write(&ring, number, wide, seconds_now(), text));
}

static void issue(const struct contract *c, const char *argument)
{
    char folder[KEYRING_PATH_SIZE], name[64] = "", lane[32] = "";
    char secret[CLIENT_KEY_SECRET_LENGTH + 1];
    struct client_key key;
    struct error error = {""};
    keyring_folder(c, folder);
    sscanf(argument, "%63s %31s", name, lane);
    if (client_key_issue(folder, text_of(name), text_of(lane), seconds_now(), workers, &key, secret,
                         &error) != 0)
        printf("{\"error\":\"%s\"}\n", error.text);
    else
        printf("{\"id\":\"%s\",\"secret\":\"%s\"}\n", key.id, secret);
}

static void revoke_key(const struct contract *c, const char *id)
{
    char folder[KEYRING_PATH_SIZE];
    struct error error = {""};
    keyring_folder(c, folder);
    int failed = client_key_revoke(folder, text_of(id), seconds_now(), workers, NULL, &error);
    printf("{\"result\":%d}\n", failed);
}

static void rotate(const struct contract *c, const char *later)
{
    char path[KEYRING_PATH_SIZE];
    struct error error = {""};
    keyring_path(c, path);
    printf("{\"result\":%d}\n",
           keyring_rotate(path, seconds_now() + atol(later), ROTATE_SECONDS, workers, &error));
}

static void tell_faults(struct ledger *ledger)
{
    for (unsigned mode = 0; mode < LEDGER_MODES; mode++) {
        printf("%s\"%s\":{", mode ? "," : "{", mode == LEDGER_DONE ? "done" : "would");
        for (enum token_fault fault = 0; fault < TOKEN_FAULT_COUNT; fault++)
            printf("%s\"%s\":%lu", fault ? "," : "", token_fault_name(fault),
                   (unsigned long)ledger->token_fault[fault][mode]);
        printf("}");
    }
    puts("}");
}

bool tokens_obey(const struct contract *c, struct ledger *ledger, const char *command,
                 const char *argument)
{
    if (strcmp(command, "faults") == 0)
        tell_faults(ledger);
    else if (!argument)
        return false;
    else if (strcmp(command, "key") == 0)
        issue(c, argument);
    else if (strcmp(command, "revoke") == 0)
        revoke_key(c, argument);
    else if (strcmp(command, "rotate") == 0)
        rotate(c, argument);
    else if (strcmp(command, "pass") == 0 || strcmp(command, "puzzle") == 0 ||
             strcmp(command, "ticket") == 0)
        tell_token(c, command, argument);
    else
        return false;
    return true;
}
