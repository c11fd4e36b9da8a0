#include "outputs/metric.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name, *unit, *labels, *what;
    enum metric_type type;
} metrics[METRIC_COUNT] = {
#define X(constant, name, type, unit, labels, what) {name, unit, labels, what, METRIC_TYPE_##type},
    METRICS
#undef X
};

static const char *const types[] = {"gauge", "counter", "info"};
static const char *const suffixes[] = {"", "_total", "_info"};

const char *metric_name(enum metric metric)
{
    must(metric < METRIC_COUNT);
    return metrics[metric].name;
}

struct metric_page metric_page_on(struct writer *out, bool open_metrics)
{
    return (struct metric_page){out, open_metrics, METRIC_COUNT};
}

static void write_line(struct writer *out, const char *keyword, const char *name,
                       const char *suffix, const char *text)
{
    WRITE_LITERAL(out, "# ");
    write_string(out, keyword);
    WRITE_LITERAL(out, " ");
    write_string(out, name);
    write_string(out, suffix);
    WRITE_LITERAL(out, " ");
    write_string(out, text);
    WRITE_LITERAL(out, "\n");
}

void metric_family(struct metric_page *page, enum metric metric)
{
    must(metric < METRIC_COUNT);
    enum metric_type type = metrics[metric].type;
    const char *suffix = page->open_metrics ? "" : suffixes[type];
    const char *said = type == METRIC_TYPE_INFO && !page->open_metrics ? "gauge" : types[type];
    write_line(page->out, "TYPE", metrics[metric].name, suffix, said);
    if (page->open_metrics && metrics[metric].unit[0])
        write_line(page->out, "UNIT", metrics[metric].name, suffix, metrics[metric].unit);
    write_line(page->out, "HELP", metrics[metric].name, suffix, metrics[metric].what);
    page->family = metric;
}

static void write_value(struct writer *out, double value)
{
    char text[40];
    if (isnan(value))
        WRITE_LITERAL(out, "NaN");
    else if (isinf(value))
        write_string(out, value > 0 ? "+Inf" : "-Inf");
    else {
        snprintf(text, sizeof text, "%.15g", value);
        write_string(out, text);
    }
}

static void write_label_value(struct writer *out, const char *value)
{
    struct text left = text_of(value);
    while (left.length > 0) {
        size_t length = utf8_character((const unsigned char *)left.data, left.length);
        if (length == 0 || (unsigned char)*left.data == 0x7f)
            WRITE_LITERAL(out, "?");
        else if (*left.data == '\n')
            WRITE_LITERAL(out, "\\n");
        else if (*left.data == '"' || *left.data == '\\')
            write_bytes(out, *left.data == '"' ? "\\\"" : "\\\\", 2);
        else
            write_bytes(out, left.data, length);
        size_t taken = length ? length : 1;
        left = (struct text){left.data + taken, left.length - taken};
    }
}

void metric_sample(struct metric_page *page, double value, ...)
{
    must(page->family < METRIC_COUNT);
    struct writer *out = page->out;
    write_string(out, metrics[page->family].name);
    write_string(out, suffixes[metrics[page->family].type]);
    va_list values;
    va_start(values, value);
    const char *name = metrics[page->family].labels, *text;
    bool some = false;
    while ((text = va_arg(values, const char *)) != NULL) {
        must(*name); /* as many values as the table names labels */
        size_t length = strcspn(name, ",");
        write_string(out, some ? "," : "{");
        write_bytes(out, name, length);
        WRITE_LITERAL(out, "=\"");
        write_label_value(out, text);
        WRITE_LITERAL(out, "\"");
        name += length + (name[length] == ',');
        some = true;
    }
    va_end(values);
    must(!*name);
    write_string(out, some ? "} " : " ");
    write_value(out, value);
    WRITE_LITERAL(out, "\n");
}

void metric_single(struct metric_page *page, enum metric metric, double value)
{
    metric_family(page, metric);
    metric_sample(page, value, NULL);
}

void metric_end(struct metric_page *page)
{
    if (page->open_metrics)
        WRITE_LITERAL(page->out, "# EOF\n");
}

const char *metric_content_type(bool open_metrics)
{
    return open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                        : "text/plain; version=0.0.4; charset=utf-8";
}

void metric_markdown(struct writer *out)
{
    WRITE_LITERAL(out, "| metric | type | labels | what it says |\n|---|---|---|---|\n");
    for (enum metric i = 0; i < METRIC_COUNT; i++) {
        WRITE_LITERAL(out, "| `");
        write_string(out, metrics[i].name);
        write_string(out, suffixes[metrics[i].type]);
        WRITE_LITERAL(out, "` | ");
        write_string(out, types[metrics[i].type]);
        WRITE_LITERAL(out, " | ");
        write_string(out, metrics[i].labels);
        WRITE_LITERAL(out, " | ");
        write_string(out, metrics[i].what);
        WRITE_LITERAL(out, " |\n");
    }
}
