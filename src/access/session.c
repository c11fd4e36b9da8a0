#include "access/session.h"

#include <assert.h>
#include <sodium.h>

static_assert(crypto_generichash_BYTES == 32, "a token's hash");

void sessions_init(struct sessions *sessions)
{
    memset(sessions, 0, sizeof *sessions);
    sessions->key = hash_key_random();
    randombytes_buf(sessions->token_key, sizeof sessions->token_key);
}

static void token_new(char text[SESSION_TOKEN_TEXT_SIZE])
{
    uint8_t token[32];
    randombytes_buf(token, sizeof token);
    sodium_bin2base64(text, SESSION_TOKEN_TEXT_SIZE, token, sizeof token,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(token, sizeof token);
}

static void token_hash(const struct sessions *sessions, struct text token, uint8_t out[32])
{
    crypto_generichash(out, 32, (const uint8_t *)token.data, token.length, sessions->token_key,
                       sizeof sessions->token_key);
}

bool session_is_good(const struct session *session, nanos_t now)
{
    return session->used && now - session->seen < SESSION_IDLE &&
           now - session->begun < SESSION_LONGEST;
}

/* Of what makes an operator: not the last code's step, which each sign-in changes. */
static uint64_t operator_hash(const struct sessions *sessions, const struct operator* operator)
{
    uint64_t secret = siphash(sessions->key, operator->totp, sizeof operator->totp);
    uint64_t password = siphash(sessions->key, operator->password, strlen(operator->password));
    return siphash_words3(sessions->key, secret, password,
                          (uint64_t) operator->role << 1 | operator->must_change);
}

/* A place for one more session of this operator: the oldest of its own when it has SESSION_EACH,
 * else a free one. */
static struct session *place_for(struct sessions *sessions, struct text name, nanos_t now)
{
    struct session *unused = NULL, *oldest = NULL;
    unsigned own = 0;
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *session = &sessions->session[i];
        if (!session_is_good(session, now)) {
            unused = session;
        } else if (text_is(name, session->name)) {
            own++;
            if (!oldest || session->begun < oldest->begun)
                oldest = session;
        }
    }
    return own >= SESSION_EACH || !unused ? oldest : unused;
}

struct session *session_begin(struct sessions *sessions, const struct operator* operator,
                              struct text browser, nanos_t now, char token[SESSION_TOKEN_TEXT_SIZE])
{
    struct session *session = place_for(sessions, text_of(operator->name), now);
    if (!session)
        return NULL;
    *session = (struct session){.used = true,
                                .begun = now,
                                .seen = now,
                                .role = operator->role,
                                .must_change = operator->must_change,
                                .operator= operator_hash(sessions, operator)};
    session->browser = siphash(sessions->key, browser.data, browser.length);
    memcpy(session->name, operator->name, sizeof session->name);
    token_new(session->csrf);
    token_new(token);
    token_hash(sessions, text_of(token), session->hash);
    return session;
}

struct session *session_find(struct sessions *sessions, struct text token, struct text browser,
                             bool active, nanos_t now)
{
    uint8_t hash[32];
    if (token.length != SESSION_TOKEN_TEXT_SIZE - 1)
        return NULL;
    token_hash(sessions, token, hash);
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *session = &sessions->session[i];
        if (!session->used || sodium_memcmp(session->hash, hash, sizeof hash) != 0)
            continue;
        if (!session_is_good(session, now) ||
            session->browser != siphash(sessions->key, browser.data, browser.length)) {
            session_end(
                session); /* a token that turns up elsewhere has been stolen: it ends for both */
            return NULL;
        }
        if (active)
            session->seen = now;
        return session;
    }
    return NULL;
}

bool session_csrf_is_right(const struct session *session, struct text given)
{
    return given.length == SESSION_TOKEN_TEXT_SIZE - 1 &&
           sodium_memcmp(session->csrf, given.data, given.length) == 0;
}

void session_end(struct session *session)
{
    sodium_memzero(session, sizeof *session);
}

void sessions_end_of(struct sessions *sessions, struct text name)
{
    for (size_t i = 0; i < SESSION_MAX; i++)
        if (sessions->session[i].used && text_is(name, sessions->session[i].name))
            session_end(&sessions->session[i]);
}

void sessions_follow(struct sessions *sessions, struct operators *operators)
{
    for (size_t i = 0; i < SESSION_MAX; i++) {
        struct session *session = &sessions->session[i];
        if (!session->used)
            continue;
        const struct operator* operator= operators_find(operators, text_of(session->name));
        if (!operator|| operator_hash(sessions, operator) != session->operator)
            session_end(session);
    }
}

size_t sessions_count(const struct sessions *sessions, nanos_t now)
{
    size_t count = 0;
    for (size_t i = 0; i < SESSION_MAX; i++)
        count += session_is_good(&sessions->session[i], now);
    return count;
}
