/* GET /metrics, for who may reach the listener. libmicrohttpd parses; what it is asked changes
 * nothing. */
#include "cli/herald_figures.h"
#include "cli/herald_parts.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE_SIZE = LOOK_PAGE_SIZE + 16384, METRICS_CONNECTIONS = 16, METRICS_PATIENCE = 10 };

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              char *body, size_t length, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(length, body, mode);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status)
{
    static char text[] = "The figures are at /metrics.\n";
    return answer(connection, status, "text/plain; charset=utf-8", text, sizeof text - 1,
                  MHD_RESPMEM_PERSISTENT);
}

/* The looker's page with the outputs' own figures; 0 when there is none yet. */
static size_t page_write(struct herald *h, bool open_metrics, char *out)
{
    struct output_state states[OUTPUT_COUNT];
    tally_copy(&h->tally, states);
    struct writer w = writer_on(out, PAGE_SIZE);
    struct metric_page page = metric_page_on(&w, open_metrics);
    pthread_mutex_lock(&h->lock);
    size_t length = h->looked ? h->look->length[open_metrics] : 0;
    write_bytes(&w, h->look->page[open_metrics], length);
    pthread_mutex_unlock(&h->lock);
    figures_of_outputs(states, &page);
    metric_end(&page);
    return length && !w.overflow ? w.length : 0;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **request)
{
    static int seen;
    struct herald *h = context;
    (void)version;
    (void)data;
    if (*request == NULL) { /* the headers are here, the body may follow */
        *request = &seen;
        return MHD_YES;
    }
    if (*data_size) {
        *data_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);
    if (strcmp(url, "/metrics") != 0)
        return refuse(connection, MHD_HTTP_NOT_FOUND);
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    bool open_metrics = accept && strstr(accept, "application/openmetrics-text");
    char *page = malloc(PAGE_SIZE);
    size_t length = page ? page_write(h, open_metrics, page) : 0;
    if (length == 0) {
        free(page);
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
    }
    tally_told(&h->tally, OUTPUT_METRICS, 1, clock_wall());
    return answer(connection, MHD_HTTP_OK, metric_content_type(open_metrics), page, length,
                  MHD_RESPMEM_MUST_FREE);
}

static void say_nothing(void *context, const char *format, va_list arguments)
{
    (void)context;
    (void)format;
    (void)arguments;
}

struct MHD_Daemon *herald_serve(struct herald *h)
{
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, 0,
                            NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, h->metrics,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_CONNECTIONS,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)METRICS_PATIENCE,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
                            MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_END);
}
