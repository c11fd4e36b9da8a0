/* `ecluse operator`: who may use the desk, changed by root on the machine: the first one, and the
 * way back in when everybody is locked out. Each change is on the record. */
#include "access/operator.h"
#include "cli/output.h"
#include "cli/record.h"
#include "cli/situation.h"

#include <errno.h>
#include <fcntl.h>
#include <qrencode.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

struct change {
    const struct arguments *a;
    const struct contract *contract;
    const struct verb *verb;
    const char *name;
    struct act act;
    int status;    /* EXIT_DONE, or that it was said why this could not be recorded */
    bool recorded; /* `act` */
    char password[OPERATOR_PASSWORD_MAX + 1];
    enum operator_role role;
    struct error error;
    struct operator after; /* whose one-time secret is shown */
};

/* ---- The password ---------------------------------------------------------------------------- */

static bool read_line(FILE *in, char *out, size_t size)
{
    if (fgets(out, (int)size, in) == NULL)
        return false;
    size_t length = strcspn(out, "\r\n");
    bool whole = out[length] != 0 || feof(in);
    out[length] = 0;
    return whole;
}

static bool ask_silently(const char *question, char *out, size_t size)
{
    struct termios before, silent;
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL)
        return false;
    fprintf(terminal, "%s", question);
    fflush(terminal);
    bool known = tcgetattr(fileno(terminal), &before) == 0;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    bool done = known && tcsetattr(fileno(terminal), TCSAFLUSH, &silent) == 0 &&
                read_line(terminal, out, size);
    if (known)
        tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    fputs("\n", terminal);
    fclose(terminal);
    return done;
}

static int take_password(struct change *change)
{
    const char *file = change->a->option[OPTION_PASSWORD_FILE];
    if (file) {
        FILE *in = fopen(file, "re");
        bool read = in && read_line(in, change->password, sizeof change->password);
        if (in)
            fclose(in);
        return read ? EXIT_DONE
                    : could_not(false, "no password can be read from %s: its first line is one",
                                file);
    }
    char again[sizeof change->password];
    if (!ask_silently("Password (12 characters or more): ", change->password,
                      sizeof change->password))
        return could_not(
            false,
            "there is no terminal to ask for a password on; name a file: --password-file FILE");
    bool same =
        ask_silently("Once more: ", again, sizeof again) && strcmp(again, change->password) == 0;
    sodium_memzero(again, sizeof again);
    return same ? EXIT_DONE : could_not(false, "the two were not the same; nothing was changed");
}

/* ---- The changes ----------------------------------------------------------------------------- */

static struct operator* named(struct change *change, struct operators *operators)
{
    struct operator* found = operators_find(operators, text_of(change->name));
    if (found == NULL)
        error_set(&change->error, -ENOENT,
                  "there is no operator `%.40s`; `ecluse operator list` names them", change->name);
    return found;
}

static int change_add(void *context, struct operators *operators)
{
    struct change *change = context;
    int code = operator_add(operators, text_of(change->name), change->role,
                            text_of(change->password), &change->error);
    if (code == 0)
        change->after = *operators_find(operators, text_of(change->name));
    return code;
}

static int change_remove(void *context, struct operators *operators)
{
    struct operator* found = named(context, operators);
    if (found == NULL)
        return -ENOENT;
    *found = operators->operator[--operators->count];
    return 0;
}

static int change_role(void *context, struct operators *operators)
{
    struct operator* found = named(context, operators);
    if (found == NULL)
        return -ENOENT;
    found->role = ((struct change *)context)->role;
    return 0;
}

static int change_password(void *context, struct operators *operators)
{
    struct change *change = context;
    struct operator* found = named(change, operators);
    int code =
        found ? operator_set_password(found, text_of(change->password), &change->error) : -ENOENT;
    if (code == 0)
        found->must_change = true;
    return code;
}

static int change_totp(void *context, struct operators *operators)
{
    struct change *change = context;
    struct operator* found = named(change, operators);
    if (found == NULL)
        return -ENOENT;
    totp_secret_new(found->totp);
    found->totp_last = 0;
    change->after = *found;
    return 0;
}

/*  verb       whose, and what is done to it                a password   a role   a secret is shown
 */
/* clang-format off */
#define VERBS(X)                                                                                  \
    X(add,      "an operator", "added",                       true,        true,    true)         \
    X(remove,   "an operator", "removed",                     false,       false,   false)        \
    X(role,     "an operator's role", "changed",              false,       true,    false)        \
    X(password, "an operator's password", "set",              true,        false,   false)        \
    X(totp,     "an operator's one-time secret", "made anew", false,       false,   true)
/* clang-format on */

static const struct verb {
    const char *name, *what, *done;
    bool password, role, secret;
    int (*change)(void *context, struct operators *operators);
} verbs[] = {
#define X(name, what, done, password, role, secret)                                                \
    {#name, what, done, password, role, secret, change_##name},
    VERBS(X)
#undef X
};

/* ---- What is shown --------------------------------------------------------------------------- */

/* Two rows of modules in a line of half blocks, dark on light whatever the terminal's colours. */
static void show_qr(const char *text)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (code == NULL)
        return;
    enum { QUIET = 2 };
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        fputs("  \033[30;47m", stdout);
        for (int x = -QUIET; x < code->width + QUIET; x++) {
            bool inside = x >= 0 && x < code->width;
            bool upper =
                inside && y >= 0 && y < code->width && (code->data[y * code->width + x] & 1);
            bool lower = inside && y + 1 >= 0 && y + 1 < code->width &&
                         (code->data[(y + 1) * code->width + x] & 1);
            fputs(upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ", stdout);
        }
        fputs("\033[0m\n", stdout);
    }
    QRcode_free(code);
}

static void show_secret(const struct change *change, const char *organisation)
{
    char base32[TOTP_SECRET_TEXT_SIZE], uri[TOTP_URI_SIZE];
    totp_secret_text(change->after.totp, base32);
    totp_uri(change->after.totp, text_of(organisation), text_of(change->name), uri);
    if (change->a->option[OPTION_JSON]) {
        output_json(json_pack("{s:s,s:s,s:s}", "name", change->name, "totp_secret", base32,
                              "totp_uri", uri));
    } else {
        printf("One-time secret of %s, shown this once. Scan it with an authenticator, or type it "
               "in:\n\n",
               change->name);
        if (isatty(STDOUT_FILENO))
            show_qr(uri);
        printf("\n  %s\n  %s\n", base32, uri);
    }
    sodium_memzero(base32, sizeof base32);
    sodium_memzero(uri, sizeof uri);
}

static int list(const struct arguments *a, const char *state)
{
    struct operators *operators = calloc(1, sizeof *operators);
    struct error error;
    must(operators != NULL);
    int code = operators_load(state, operators, &error);
    const bool none = code == -ENOENT;
    if (none)
        code = 0; /* nobody yet is a list, too */
    static const char *const titles[] = {"name", "role", "password"};
    struct table table = table_of(3, titles);
    json_t *rows = json_array();
    for (size_t i = 0; code == 0 && i < operators->count; i++) {
        const struct operator* o = & operators->operator[i];
        table_row(&table);
        table_cell(&table, TONE_PLAIN, "%s", o->name);
        table_cell(&table, TONE_PLAIN, "%s", role_name(o->role));
        table_cell(&table, TONE_DIM, "%s",
                   o->must_change ? "to be changed at the next sign-in" : "");
        json_array_append_new(rows,
                              json_pack("{s:s,s:s,s:b}", "name", o->name, "role",
                                        role_name(o->role), "must_change", (int)o->must_change));
    }
    sodium_memzero(operators, sizeof *operators);
    free(operators);
    bool json = a->option[OPTION_JSON] != NULL;
    if (json && code == 0)
        output_json(json_pack("{s:o}", "operators", rows));
    else
        json_decref(rows);
    if (!json && none)
        printf("%s\n", error.text);
    else if (!json && code == 0)
        table_print(&table, stdout);
    return code == 0 ? EXIT_DONE : could_not(json, "%s", error.text);
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Where a log was begun: who was changed stands there as a commitment. */
static int on_record(struct change *change)
{
    char actor[ACT_NAME_SIZE];
    record_actor(actor);
    change->act = record_act(ACT_OPERATOR, actor, "desk", "%s is %s by command",
                             change->verb->what, change->verb->done);
    act_text(change->act.subject, sizeof change->act.subject, text_of(change->name));
    return record_where_kept(change->a, change->contract, &change->act,
                             "this change of an operator");
}

/* On the record before it is saved, and only what can be done: both under the operators' lock. */
static int change_on_record(void *context, struct operators *operators)
{
    struct change *change = context;
    int failed = change->verb->change(change, operators);
    if (failed)
        return failed;
    change->status = on_record(change);
    change->recorded = change->status == EXIT_DONE;
    return change->recorded ? 0 : -ECANCELED;
}

static int apply(struct change *change)
{
    const struct verb *verb = change->verb;
    const struct contract *c = change->contract;
    bool json = change->a->option[OPTION_JSON] != NULL;
    int status = verb->password ? take_password(change) : EXIT_DONE;
    if (status != EXIT_DONE)
        return status;
    int failed = operators_change(c->state, change_on_record, change, &change->error);
    if (change->status != EXIT_DONE)
        return change->status;
    if (failed < 0 && change->recorded)
        record_not_done(c->runtime, &change->act, "it could not be saved");
    if (failed < 0)
        return could_not(json, "%s", change->error.text);
    if (verb->secret)
        show_secret(change, c->organisation);
    else if (json)
        output_json(json_pack("{s:s}", "name", change->name));
    else
        printf("%s: %s was %s\n", change->name, verb->what, verb->done);
    return EXIT_DONE;
}

static int with_contract(const struct arguments *a, const struct verb *verb,
                         const struct contract *c)
{
    struct change *change = calloc(1, sizeof *change);
    const char *role = a->option[OPTION_ROLE];
    must(change != NULL);
    change->a = a;
    change->contract = c;
    change->verb = verb;
    change->name = a->operand[1];
    int status;
    if (verb->role && (role == NULL || !role_named(text_of(role), &change->role)))
        status = could_not(false, "say --role see, --role release or --role administer");
    else if (!operator_name_is_allowed(text_of(change->name)))
        status = could_not(false, "a name has 1 to %d letters, digits, dots, dashes or underscores",
                           OPERATOR_NAME_SIZE - 1);
    else
        status = apply(change);
    sodium_memzero(change, sizeof *change);
    free(change);
    return status;
}

int command_operator(const struct arguments *a)
{
    const struct verb *verb = NULL;
    bool lists = strcmp(a->operand[0], "list") == 0;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(a->operand[0], verbs[i].name) == 0)
            verb = &verbs[i];
    if (!lists && verb == NULL)
        return could_not(
            false, "`ecluse operator` takes add, list, remove, role, password or totp, not `%.40s`",
            a->operand[0]);
    if (!lists && a->operand_count < 2)
        return could_not(false, "`ecluse operator %s` needs a name", verb->name);
    if (sodium_init() < 0)
        return could_not(false, "no randomness can be had");
    struct contract *c = contract_load(contract_file(a), a->option[OPTION_JSON] != NULL);
    if (c == NULL)
        return EXIT_COULD_NOT;
    int status = lists ? list(a, c->state) : with_contract(a, verb, c);
    free(c);
    return status;
}
