/* route.h: everything that the desk answers: one table, from which dispatching, rights, the check
 * of the OpenAPI document and docs/desk.md's list come.
 */
#ifndef ECLUSE_DESK_ROUTE_H
#define ECLUSE_DESK_ROUTE_H

#include "access/operator.h"

/* Who may. Each may what those before it may; ANYBODY needs no session. */
enum need { NEED_NOTHING, NEED_SEE, NEED_RELEASE, NEED_ADMINISTER };

/* A segment `*` of a path is the route's argument. Routes that change something need the session's
 * CSRF token.
 *
 *    constant          method    path                        who may      what it does */
/* clang-format off */
#define ROUTES(X)                                                                                  \
    X(PAGE, "GET", "/", SEE,                                                                       \
      "the page")                                                                                  \
    X(SIGN_IN_PAGE, "GET", "/sign-in", NOTHING,                                                    \
      "the form to sign in")                                                                       \
    X(SIGN_IN, "POST", "/sign-in", NOTHING,                                                        \
      "signs in by form")                                                                          \
    X(SIGN_OUT, "POST", "/sign-out", SEE,                                                          \
      "signs out by form")                                                                         \
    X(PASSWORD_PAGE, "GET", "/password", SEE,                                                      \
      "the form to change one's password")                                                         \
    X(PASSWORD, "POST", "/password", SEE,                                                          \
      "changes one's password by form")                                                            \
    X(HOLD_PAGE, "GET", "/holds/*", SEE,                                                           \
      "one hold, and the form to undo it")                                                         \
    X(HOLD_RELEASE, "POST", "/holds/*", RELEASE,                                                   \
      "undoes a hold by form")                                                                     \
    X(PANIC_PAGE, "GET", "/panic", SEE,                                                            \
      "what a panic does, and its form")                                                           \
    X(PANIC_FORM, "POST", "/panic", RELEASE,                                                       \
      "begins or ends a panic by form")                                                            \
    X(TIMELINE_PAGE, "GET", "/timeline", SEE,                                                      \
      "the audit log, newest first")                                                               \
    X(ENTRY_PAGE, "GET", "/timeline/*", SEE,                                                       \
      "one entry of the audit log")                                                                \
    X(EVENTS, "GET", "/events", SEE,                                                               \
      "the page's differences, as they happen")                                                    \
    X(STYLE, "GET", "/desk.css", NOTHING,                                                          \
      "the page's style")                                                                          \
    X(SCRIPT, "GET", "/desk.js", NOTHING,                                                          \
      "the page's script")                                                                         \
    X(ICON, "GET", "/icon.svg", NOTHING,                                                           \
      "the page's icon")                                                                           \
    X(API_DOCUMENT, "GET", "/api/openapi.yaml", NOTHING,                                           \
      "this interface's document")                                                                 \
    X(API_SIGN_IN, "POST", "/api/session", NOTHING,                                                \
      "signs in")                                                                                  \
    X(API_SIGN_OUT, "DELETE", "/api/session", SEE,                                                 \
      "signs out")                                                                                 \
    X(API_ME, "GET", "/api/me", SEE,                                                               \
      "who is signed in, and the CSRF token")                                                      \
    X(API_PASSWORD, "PUT", "/api/me/password", SEE,                                                \
      "changes one's own password")                                                                \
    X(API_STATUS, "GET", "/api/status", SEE,                                                       \
      "everything that `ecluse status` tells")                                                     \
    X(API_PROMISES, "GET", "/api/promises", SEE,                                                   \
      "promises, and how much is left of each")                                                    \
    X(API_BUDGETS, "GET", "/api/budgets", SEE,                                                     \
      "budgets, and the worst principal of each")                                                  \
    X(API_GUARDS, "GET", "/api/guards", SEE,                                                       \
      "guards and their health")                                                                   \
    X(API_HOLDS, "GET", "/api/holds", SEE,                                                         \
      "who is held, newest first")                                                                 \
    X(API_HOLD, "GET", "/api/holds/*", SEE,                                                        \
      "one hold, with its reason and numbers")                                                     \
    X(API_RELEASE, "POST", "/api/holds/*/release", RELEASE,                                        \
      "undoes a hold, once that is on the record")                                                 \
    X(API_PANIC, "PUT", "/api/panic", RELEASE,                                                     \
      "puts every budget in observe")                                                              \
    X(API_PANIC_OFF, "DELETE", "/api/panic", RELEASE,                                              \
      "puts the contract's modes in force again")                                                  \
    X(API_TIMELINE, "GET", "/api/timeline", SEE,                                                   \
      "entries of the audit log, newest first")                                                    \
    X(API_ENTRY, "GET", "/api/entries/*", SEE,                                                     \
      "one entry of the audit log")                                                                \
    X(API_EVENTS, "GET", "/api/events", SEE,                                                       \
      "differences of the status, as they happen")                                                 \
    X(API_OPERATORS, "GET", "/api/operators", ADMINISTER,                                          \
      "the operators and their roles")                                                             \
    X(API_OPERATOR_ADD, "POST", "/api/operators", ADMINISTER,                                      \
      "adds an operator")                                                                          \
    X(API_OPERATOR_ROLE, "PUT", "/api/operators/*/role", ADMINISTER,                               \
      "changes an operator's role")                                                                \
    X(API_OPERATOR_PASSWORD, "PUT", "/api/operators/*/password", ADMINISTER,                       \
      "sets a password that must be changed")                                                      \
    X(API_OPERATOR_TOTP, "POST", "/api/operators/*/totp", ADMINISTER,                              \
      "makes a new one-time secret")                                                               \
    X(API_OPERATOR_REMOVE, "DELETE", "/api/operators/*", ADMINISTER,                               \
      "removes an operator")
/* clang-format on */

enum route_id {
#define X(constant, ...) ROUTE_##constant,
    ROUTES(X)
#undef X
        ROUTE_COUNT
};

struct route {
    enum route_id id;
    const char *method, *path;
    enum need need;
    const char *text;
};

extern const struct route routes[ROUTE_COUNT];

enum route_found { ROUTE_FOUND, ROUTE_NOT_FOUND, ROUTE_OTHER_METHOD };

/* HEAD is GET. *argument is borrowed from path. */
enum route_found route_find(struct text method, struct text path, const struct route **out,
                            struct text *argument);

bool route_changes(const struct route *route); /* anything but GET */
bool route_is_api(const struct route *route);

#endif
