#include "outputs/post.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

struct post {
    CURL *curl;
    struct curl_slist *headers;
};

int post_begin(struct error *error)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    return code == CURLE_OK
               ? 0
               : error_set(error, -EIO, "libcurl does not start: %s", curl_easy_strerror(code));
}

/* What a receiver answers is of no interest, however much it is: cut off after 64 kB. */
static size_t drop(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    size_t *taken = context;
    *taken += size * count;
    return *taken > 65536 ? 0 : size * count;
}

int post_new(const char *address, struct post **out, struct error *error)
{
    struct post *post = calloc(1, sizeof *post);
    if (post)
        post->curl = curl_easy_init();
    if (post == NULL || post->curl == NULL) {
        free(post);
        return error_set(error, -ENOMEM, "out of memory");
    }
    CURL *curl = post->curl;
    curl_easy_setopt(curl, CURLOPT_URL, address);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)POST_PATIENCE / 2);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)POST_PATIENCE);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L); /* minutes lie between two messages */
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "ecluse/" ECLUSE_VERSION);
    post->headers = curl_slist_append(NULL, "Content-Type: application/json");
    *out = post;
    return 0;
}

void post_free(struct post *post)
{
    if (post == NULL)
        return;
    curl_easy_cleanup(post->curl);
    curl_slist_free_all(post->headers);
    free(post);
}

int post_send(struct post *post, struct text body, struct error *error)
{
    size_t taken = 0;
    long status = 0;
    CURL *curl = post->curl;
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &taken);
    if (body.data) {
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.length);
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && status >= 200 && status < 300))
        return error_set(error, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO,
                         "the receiver does not answer: %s", curl_easy_strerror(code));
    if (status < 200 || status > 299)
        return error_set(error, -EPROTO, "the receiver answered with status %ld", status);
    return 0;
}
