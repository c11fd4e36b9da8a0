#include "egress/json_line.h"

static void skip_space(struct json_line *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\r' || *j->at == '\n'))
        j->at++;
}

static bool take(struct json_line *j, char c)
{
    if (j->at == j->end || *j->at != c)
        return false;
    j->at++;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static bool escape_read(struct json_line *j)
{
    if (j->at == j->end)
        return false;
    char c = *j->at++;
    if (c != 'u')
        return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' ||
               c == 't';
    if (j->end - j->at < 4)
        return false;
    for (int i = 0; i < 4; i++)
        if (!is_hex(*j->at++))
            return false;
    return true;
}

/* Where the first byte of a string is that is not plain text: eight at a time, by the arithmetic on
 * whole words that finds zero bytes (Mycroft 1987). */
static const char *plain_end(const char *at, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    for (uint64_t word; end - at >= 8; at += 8) {
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
             ((word - ones * 0x20) & ~word)) &
            tops)
            break;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
        at++;
    return at;
}

static bool string_read(struct json_line *j, struct text *out, bool *escaped)
{
    if (!take(j, '"'))
        return false;
    const char *first = j->at;
    *escaped = false;
    for (;;) {
        const char *at = j->at = plain_end(j->at, j->end);
        if (at == j->end || (unsigned char)*at < 0x20)
            return false;
        j->at++;
        if (*at == '"') {
            *out = (struct text){first, (size_t)(at - first)};
            return true;
        }
        *escaped = true;
        if (!escape_read(j))
            return false;
    }
}

static bool digits(struct json_line *j)
{
    const char *first = j->at;
    while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
        j->at++;
    return j->at > first;
}

static bool number_read(struct json_line *j)
{
    take(j, '-');
    if (!take(j, '0') && !digits(j))
        return false;
    if (take(j, '.') && !digits(j))
        return false;
    if (take(j, 'e') || take(j, 'E')) {
        if (!take(j, '+'))
            take(j, '-');
        return digits(j);
    }
    return true;
}

static bool word_read(struct json_line *j)
{
    static const struct text words[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    for (unsigned i = 0; i < 3; i++) {
        if ((size_t)(j->end - j->at) >= words[i].length &&
            memcmp(j->at, words[i].data, words[i].length) == 0) {
            j->at += words[i].length;
            return true;
        }
    }
    return false;
}

static bool value_read(struct json_line *j, struct json_value *out, unsigned depth);

static bool nested_read(struct json_line *j, unsigned depth)
{
    char close = *j->at++ == '{' ? '}' : ']';
    struct text key;
    struct json_value value;
    bool escaped;
    skip_space(j);
    if (take(j, close))
        return true;
    if (depth >= JSON_LINE_DEPTH)
        return false;
    for (;;) {
        skip_space(j);
        if (close == '}') {
            if (!string_read(j, &key, &escaped))
                return false;
            skip_space(j);
            if (!take(j, ':'))
                return false;
        }
        if (!value_read(j, &value, depth + 1))
            return false;
        skip_space(j);
        if (take(j, close))
            return true;
        if (!take(j, ','))
            return false;
    }
}

static bool value_read(struct json_line *j, struct json_value *out, unsigned depth)
{
    skip_space(j);
    if (j->at == j->end)
        return false;
    const char *first = j->at;
    bool good;
    out->escaped = false;
    if (*first == '"') {
        out->kind = JSON_TEXT;
        return string_read(j, &out->text, &out->escaped);
    }
    if (*first == '{' || *first == '[') {
        out->kind = JSON_NESTED;
        good = nested_read(j, depth);
    } else if (*first == '-' || (*first >= '0' && *first <= '9')) {
        out->kind = JSON_NUMBER;
        good = number_read(j);
    } else {
        out->kind = JSON_WORD;
        good = word_read(j);
    }
    out->text = (struct text){first, (size_t)(j->at - first)};
    return good;
}

bool json_line_open(struct json_line *j, struct text line)
{
    *j = (struct json_line){line.data, line.data + line.length, false};
    skip_space(j);
    return take(j, '{');
}

enum json_next json_line_next(struct json_line *j, struct text *key, struct json_value *value)
{
    bool escaped;
    skip_space(j);
    if (take(j, '}')) {
        skip_space(j);
        return j->at == j->end ? JSON_END : JSON_BROKEN;
    }
    if (j->begun && !take(j, ','))
        return JSON_BROKEN;
    j->begun = true;
    skip_space(j);
    if (!string_read(j, key, &escaped))
        return JSON_BROKEN;
    skip_space(j);
    return take(j, ':') && value_read(j, value, 0) ? JSON_MEMBER : JSON_BROKEN;
}
