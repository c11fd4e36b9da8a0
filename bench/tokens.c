/* What a token costs to verify and to write: bench-tokens. Median of 9 rounds on one core, over
 * tokens that all differ. Target: 1 us to verify any. Beside them SHA-256 and HMAC of libsodium,
 * below which no check of a signature can go. */
#include "gate/client_key.h"
#include "gate/cookie.h"
#include "gate/puzzle.h"
#include "gate/ticket.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 9, TURNS = 20, TOKENS = 4096, HERE = 4711 };

static const int64_t now = 1800000000;
static struct keyring ring;
static struct client_keys *keys;
static unsigned sum; /* so that nothing is thought useless */

static struct text token[TOKENS];
static char space[TOKENS][512];
static struct puzzle_answer {
    char text[PUZZLE_ANSWER_MAX + 1];
} answer[TOKENS];

/* ---- What is made, and what is measured ------------------------------------------------------ */

static void make_pass(unsigned n)
{
    struct pass pass;
    pass_begin(&pass, NULL, PASS_PROVEN, HERE, now);
    token[n] = (struct text){space[n], pass_write(&ring, &pass, now, space[n])};
}

static void read_pass(unsigned n)
{
    struct pass pass;
    sum += pass_read(&ring, token[n], HERE, now, &pass) == TOKEN_NONE;
}

static void make_bad_pass(unsigned n)
{
    make_pass(n);
    space[n][40] ^= 1;
}

static void write_pass(unsigned n)
{
    struct pass pass = {.wide = HERE, .issued = now, .renewed = now, .visits = (uint8_t)(n & 127)};
    sum += pass_write(&ring, &pass, now, space[n]) > 0;
}

static void make_cookie(unsigned n)
{
    struct pass pass;
    char text[PASS_TEXT_LENGTH];
    pass_begin(&pass, NULL, PASS_PROVEN, HERE, now);
    pass_write(&ring, &pass, now, text);
    int length = snprintf(space[n], sizeof space[n],
                          "lang=fr; session=0123456789abcdef0123456789abcdef; consent=1; "
                          "ecluse_pass=%.*s; _ga=GA1.1.123456789.1700000000",
                          PASS_TEXT_LENGTH, text);
    token[n] = (struct text){space[n], (size_t)length};
}

static void read_cookie(unsigned n)
{
    struct cookies cookies = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct pass pass;
    cookies_read(token[n], &cookies);
    sum += pass_read(&ring, cookies.pass, HERE, now, &pass) == TOKEN_NONE;
}

static void make_proof(unsigned n)
{
    size_t length = puzzle_write(&ring, 0, HERE, now, answer[n].text);
    length += (size_t)snprintf(answer[n].text + length, 18, ":%u", 1000000000 + n);
    token[n] = (struct text){answer[n].text, length};
}

static void redeem_proof(unsigned n)
{
    uint8_t id[PASS_ID_SIZE];
    sum += puzzle_redeem(&ring, token[n], HERE, now, id) == TOKEN_NONE;
}

static void write_puzzle(unsigned n)
{
    sum += puzzle_write(&ring, PUZZLE_USUAL_BITS, HERE + n, now, space[n]) > 0;
}

static void make_ticket(unsigned n)
{
    token[n] = (struct text){space[n], ticket_write(&ring, 0, HERE, now, space[n])};
}

static void redeem_ticket(unsigned n)
{
    uint8_t id[PASS_ID_SIZE];
    unsigned wait;
    sum += ticket_redeem(&ring, token[n], HERE, now, id, &wait) == TOKEN_NONE;
}

static struct client_key key;
static char secret[CLIENT_KEY_SECRET_LENGTH + 1];

static void make_signature(unsigned n)
{
    size_t length = client_key_sign(key.id, secret, TEXT("POST"), TEXT("/scans?depot=12"),
                                    now + n % 60, space[n], sizeof space[n]);
    token[n] = (struct text){space[n], length};
}

static void check_signature(unsigned n)
{
    const struct client_key *found;
    sum += client_key_check(keys, token[n], TEXT("POST"), TEXT("/scans?depot=12"), now, &found) ==
           TOKEN_NONE;
}

static void sha256_of_a_block(unsigned n)
{
    uint8_t hash[32];
    crypto_hash_sha256(hash, (const uint8_t *)space[n], 55);
    sum += hash[0];
}

static void hmac_from_the_secret(unsigned n)
{
    crypto_auth_hmacsha256_state state;
    uint8_t hash[32];
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)secret, CLIENT_KEY_SECRET_LENGTH);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)space[n], 32);
    crypto_auth_hmacsha256_final(&state, hash);
    sum += hash[0];
}

static void base64_of_libsodium(unsigned n)
{
    uint8_t bytes[PASS_BYTES];
    size_t length;
    sum += sodium_base642bin(bytes, sizeof bytes, token[n].data, token[n].length, NULL, &length,
                             NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

static void base64_of_ours(unsigned n)
{
    uint8_t bytes[PASS_BYTES];
    sum += token_bytes(token[n], bytes, sizeof bytes);
}

static const struct {
    const char *what;
    void (*make)(unsigned n), (*work)(unsigned n);
} cases[] = {
    {"a pass", make_pass, read_pass},
    {"a pass that was tampered with", make_bad_pass, read_pass},
    {"a pass in a Cookie header of 190 bytes", make_cookie, read_cookie},
    {"a solved puzzle", make_proof, redeem_proof},
    {"a ticket", make_ticket, redeem_ticket},
    {"a client's signature", make_signature, check_signature},
    {"writing a pass", make_pass, write_pass},
    {"writing a puzzle", make_pass, write_puzzle},
    {"(SHA-256 of one block)", make_pass, sha256_of_a_block},
    {"(HMAC-SHA256 of 32 bytes, from the secret on)", make_pass, hmac_from_the_secret},
    {"(base64 of a pass, libsodium's)", make_pass, base64_of_libsodium},
    {"(base64 of a pass, ours)", make_pass, base64_of_ours},
};

/* ---- Measuring ------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double measure(unsigned which)
{
    double rounds[ROUNDS];
    for (unsigned n = 0; n < TOKENS; n++)
        cases[which].make(n);
    for (unsigned round = 0; round < ROUNDS; round++) {
        nanos_t begin = clock_boot();
        for (unsigned turn = 0; turn < TURNS; turn++)
            for (unsigned n = 0; n < TOKENS; n++)
                cases[which].work(n);
        rounds[round] = (double)(clock_boot() - begin) / TURNS / TOKENS;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, by_size);
    return rounds[ROUNDS / 2];
}

static bool prepare(void)
{
    static char folder[] = "/tmp/ecluse-bench-XXXXXX";
    static const char *const leaf[] = {"pass.keys", "client.keys", "client.master", "client.lock"};
    char path[64];
    if (!mkdtemp(folder))
        return false;
    snprintf(path, sizeof path, "%s/pass.keys", folder);
    bool good = true;
    for (int64_t week = 0; week < 6; week++) /* as many keys as there are in use */
        good = good && keyring_rotate(path, now - (5 - week) * 7 * 86400, 7 * 86400, -1, NULL) >= 0;
    good = good && keyring_read(path, &ring, NULL) == 0;
    for (int i = 0; good && i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "client-%d", i);
        good = client_key_issue(folder, text_of(name), TEXT(""), now, -1, &key, secret, NULL) == 0;
    }
    good = good && client_keys_read(folder, &keys, NULL) == 0;
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, leaf[i]);
        unlink(path);
    }
    rmdir(folder);
    return good;
}

int main(void)
{
    if (!prepare()) {
        fputs("bench-tokens: no keys could be made below /tmp\n", stderr);
        return 1;
    }
    printf("%-48s %8s\n", "verifying", "ns");
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        printf("%-48s %8.0f\n", cases[i].what, measure(i));
    client_keys_free(keys);
    return sum == 0;
}
