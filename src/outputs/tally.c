#include "outputs/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *name, *text;
} outputs[OUTPUT_COUNT] = {
#define X(constant, name, text) {name, text},
    OUTPUTS(X)
#undef X
};

const char *output_name(enum output output)
{
    must(output < OUTPUT_COUNT);
    return outputs[output].name;
}

const char *output_text(enum output output)
{
    must(output < OUTPUT_COUNT);
    return outputs[output].text;
}

void tally_init(struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
    must(pthread_mutex_init(&tally->lock, NULL) == 0);
}

void tally_want(struct tally *tally, enum output output)
{
    tally->output[output].wanted = true;
}

void tally_told(struct tally *tally, enum output output, uint64_t count, int64_t wall)
{
    pthread_mutex_lock(&tally->lock);
    struct output_state *state = &tally->output[output];
    bool again = state->failing;
    state->told += count;
    state->last_told = wall;
    state->failing = false;
    state->failing_since = 0;
    pthread_mutex_unlock(&tally->lock);
    if (again)
        log_line(LOG_LEVEL_INFO, "outputs: %s tells again", outputs[output].name);
}

void tally_failed(struct tally *tally, enum output output, const char *reason, int64_t wall)
{
    pthread_mutex_lock(&tally->lock);
    struct output_state *state = &tally->output[output];
    char text[sizeof state->reason];
    snprintf(text, sizeof text, "%s", reason);
    bool is_new = !state->failing || strcmp(state->reason, text) != 0;
    state->failures++;
    if (!state->failing)
        state->failing_since = wall;
    state->failing = true;
    memcpy(state->reason, text, sizeof text);
    pthread_mutex_unlock(&tally->lock);
    if (is_new)
        log_line(LOG_LEVEL_WARNING, "outputs: %s: %s", outputs[output].name, text);
}

void tally_left(struct tally *tally, enum output output, uint64_t behind, uint64_t skipped)
{
    pthread_mutex_lock(&tally->lock);
    tally->output[output].behind = behind;
    tally->output[output].skipped = skipped;
    pthread_mutex_unlock(&tally->lock);
}

void tally_copy(struct tally *tally, struct output_state out[OUTPUT_COUNT])
{
    pthread_mutex_lock(&tally->lock);
    memcpy(out, tally->output, sizeof tally->output);
    pthread_mutex_unlock(&tally->lock);
}

/* ---- The file -------------------------------------------------------------------------------- */

/* A reason may have been cut in the middle of a character. */
static json_t *string_of(const char *text)
{
    size_t length = 0, left = strlen(text), one;
    while (left > 0 && (one = utf8_character((const unsigned char *)text + length, left)) > 0) {
        length += one;
        left -= one;
    }
    return json_stringn(text, length);
}

static json_t *state_json(const struct output_state *s)
{
    json_t *reason = string_of(s->reason);
    return json_pack("{s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "wanted", (int)s->wanted, "failing",
                     (int)s->failing, "told", (json_int_t)s->told, "failures",
                     (json_int_t)s->failures, "skipped", (json_int_t)s->skipped, "behind",
                     (json_int_t)s->behind, "last_told", (json_int_t)s->last_told, "failing_since",
                     (json_int_t)s->failing_since, "reason", reason ? reason : json_string("?"));
}

int tally_write(const char *path, const struct output_state states[OUTPUT_COUNT], int64_t wall,
                struct error *error)
{
    char temporary[400];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    json_t *object = json_object();
    json_object_set_new(object, "at", json_integer(wall));
    for (enum output i = 0; i < OUTPUT_COUNT; i++)
        json_object_set_new(object, outputs[i].name, state_json(&states[i]));
    char *text = json_dumps(object, JSON_INDENT(1));
    json_decref(object);
    must(text != NULL);
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    int code = file < 0 ? -errno : 0;
    if (code == 0 && write(file, text, strlen(text)) != (ssize_t)strlen(text))
        code = -ENOSPC;
    if (file >= 0)
        close(file);
    free(text);
    if (code == 0 && rename(temporary, path) != 0)
        code = -errno;
    return code ? error_set(error, code, "%s: %s", path, strerror(-code)) : 0;
}

static void state_of(const json_t *object, struct output_state *out)
{
    const char *reason = json_string_value(json_object_get(object, "reason"));
    *out = (struct output_state){
        .wanted = json_is_true(json_object_get(object, "wanted")),
        .failing = json_is_true(json_object_get(object, "failing")),
        .told = (uint64_t)json_integer_value(json_object_get(object, "told")),
        .failures = (uint64_t)json_integer_value(json_object_get(object, "failures")),
        .skipped = (uint64_t)json_integer_value(json_object_get(object, "skipped")),
        .behind = (uint64_t)json_integer_value(json_object_get(object, "behind")),
        .last_told = json_integer_value(json_object_get(object, "last_told")),
        .failing_since = json_integer_value(json_object_get(object, "failing_since")),
    };
    snprintf(out->reason, sizeof out->reason, "%s", reason ? reason : "");
}

int tally_read(const char *path, struct output_state out[OUTPUT_COUNT], int64_t *wall)
{
    char text[8192];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0)
        return errno == ENOENT ? -ENOENT : -EPROTO;
    ssize_t length = read(file, text, sizeof text);
    close(file);
    json_t *object = length > 0 ? json_loadb(text, (size_t)length, 0, NULL) : NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return -EPROTO;
    }
    for (enum output i = 0; i < OUTPUT_COUNT; i++)
        state_of(json_object_get(object, outputs[i].name), &out[i]);
    *wall = json_integer_value(json_object_get(object, "at"));
    json_decref(object);
    return 0;
}
