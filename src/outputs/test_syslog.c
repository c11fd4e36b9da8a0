#include "outputs/syslog.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const struct eve_source source = {"poste.example/ecluse", "lock1", ""};
static struct error error;

static struct entry an_entry(void)
{
    struct entry entry = {
        .at = INT64_C(1795183380123456789),
        .kind = ACT_HOLD,
        .act = {.object = "logins",
                .hold = "hold-2f-front",
                .reason = "61 of 60",
                .subject = "c1:abc"},
    };
    act_number(&entry.act, "used", 61);
    return entry;
}

static const char *message_of(const struct eve_source *from, const struct entry *entry,
                              char out[SYSLOG_SIZE + 1])
{
    struct writer w = writer_on(out, SYSLOG_SIZE);
    syslog_write(from, 17, entry, &w);
    out[w.length] = 0;
    return out;
}

static void a_message_has_the_form_of_rfc_5424(void **state)
{
    (void)state;
    char out[SYSLOG_SIZE + 1];
    struct entry entry = an_entry();
    /* 6.2.1: PRI is facility * 8 + severity; daemon is 3, notice is 5. */
    assert_string_equal(message_of(&source, &entry, out),
                        "<29>1 2026-11-20T14:03:00.123456Z lock1 ecluse - hold "
                        "[origin software=\"ecluse\" swVersion=\"" ECLUSE_VERSION "\"]"
                        "[meta sequenceId=\"18\"] hold: logins: 61 of 60; "
                        "id=\"poste.example/ecluse/17\" hold=\"hold-2f-front\" "
                        "subject=\"c1:abc\" used=\"61\"");
}

static void what_would_end_a_value_or_a_line_is_escaped(void **state)
{
    (void)state;
    char out[SYSLOG_SIZE + 1];
    struct entry entry = an_entry();
    strcpy(entry.act.hold, "a\"b\\c]d\ne");
    strcpy(entry.act.reason, "two\nlines");
    act_number(&entry.act, "a=\"b\x7f", 7);
    message_of(&source, &entry, out);
    assert_non_null(strstr(out, "hold=\"a\\\"b\\\\c\\]d?e\""));
    assert_non_null(strstr(out, "two?lines"));
    assert_non_null(strstr(out, " a??b?=\"7\""));
}

static void a_host_that_is_no_name_is_left_out(void **state)
{
    (void)state;
    char out[SYSLOG_SIZE + 1];
    struct entry entry = an_entry();
    const struct eve_source strange = {"o", "two words", ""};
    assert_non_null(strstr(message_of(&strange, &entry, out), "Z - ecluse - hold ["));
}

/* ---- Over a wire ----------------------------------------------------------------------------- */

static int listen_on_loopback(int type, char *to, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, length), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &length), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(listener, 1), 0);
    snprintf(to, size, "%s:127.0.0.1:%u", type == SOCK_STREAM ? "tcp" : "udp", ntohs(at.sin_port));
    return listener;
}

static void assert_received(int socket, const char *expected)
{
    char got[200];
    size_t length = 0, wanted = strlen(expected);
    while (length < wanted) {
        struct pollfd ready = {.fd = socket, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, 2000), 1);
        ssize_t taken = recv(socket, got + length, sizeof got - 1 - length, 0);
        assert_true(taken > 0);
        length += (size_t)taken;
    }
    got[length] = 0;
    assert_string_equal(got, expected);
}

static struct syslog *sender(const char *to)
{
    struct syslog *syslog = NULL;
    if (syslog_new(to, &syslog, &error) != 0)
        fail_msg("%s", error.text);
    return syslog;
}

static void udp_is_one_datagram_a_message(void **state)
{
    (void)state;
    char to[64];
    int receiver = listen_on_loopback(SOCK_DGRAM, to, sizeof to);
    struct syslog *syslog = sender(to);
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 one"), &error), 0);
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 two"), &error), 0);
    assert_received(receiver, "<29>1 one");
    assert_received(receiver, "<29>1 two");
    syslog_free(syslog);
    close(receiver);
}

static void tcp_counts_octets_and_connects_again(void **state)
{
    (void)state;
    char to[64];
    int listener = listen_on_loopback(SOCK_STREAM, to, sizeof to);
    struct syslog *syslog = sender(to);
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 one"), &error), 0);
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 second"), &error), 0);
    int connection = accept(listener, NULL, NULL);
    assert_received(connection, "9 <29>1 one12 <29>1 second"); /* RFC 6587 3.4.1 */
    close(connection);
    usleep(20000);
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 three"), &error), 0);
    connection = accept(listener, NULL, NULL);
    assert_received(connection, "11 <29>1 three");
    close(connection);
    close(listener);
    usleep(20000);
    assert_true(syslog_send(syslog, TEXT("<29>1 four"), &error) < 0);
    syslog_free(syslog);
}

static int local_receiver(const char *path, int type)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    unlink(path);
    int receiver = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(receiver, (struct sockaddr *)&at, sizeof at), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(receiver, 1), 0);
    return receiver;
}

static void a_local_socket_may_go_and_come_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/ecluse-syslog-XXXXXX", path[64], to[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(to, sizeof to, "unix:%s", path);
    struct syslog *syslog = sender(to);
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 lost"), &error), -ENOENT);
    int receiver = local_receiver(path, SOCK_DGRAM);
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 one"), &error), 0);
    assert_received(receiver, "<29>1 one");
    close(receiver);
    assert_true(syslog_send(syslog, TEXT("<29>1 two"), &error) < 0);
    receiver = local_receiver(path, SOCK_STREAM); /* of another kind now */
    assert_int_equal(syslog_send(syslog, TEXT("<29>1 two"), &error), 0);
    int connection = accept(receiver, NULL, NULL);
    assert_received(connection, "<29>1 two\n");
    close(connection);
    close(receiver);
    syslog_free(syslog);
    unlink(path);
    rmdir(folder);
}

static void a_receiver_that_takes_nothing_is_given_up_in_time(void **state)
{
    (void)state;
    char to[64], long_text[SYSLOG_SIZE];
    int listener = listen_on_loopback(SOCK_STREAM, to, sizeof to), code = 0;
    struct syslog *syslog = sender(to);
    memset(long_text, 'x', sizeof long_text);
    nanos_t began = clock_boot();
    for (unsigned i = 0; i < 10000 && code == 0; i++)
        code = syslog_send(syslog, (struct text){long_text, sizeof long_text}, &error);
    assert_int_equal(code, -ETIMEDOUT);
    assert_true(clock_boot() - began < (SYSLOG_PATIENCE + 3) * NANOS_SECOND);
    syslog_free(syslog);
    close(listener);
}

static void a_place_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "udp:", "udp:127.0.0.1", "tcp:host:514", "udp:127.0.0.1:0", "tcp:[::1:514", "file:/x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct syslog *syslog = NULL;
        assert_int_equal(syslog_new(bad[i], &syslog, &error), -EINVAL);
        assert_null(syslog);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_has_the_form_of_rfc_5424),
        cmocka_unit_test(what_would_end_a_value_or_a_line_is_escaped),
        cmocka_unit_test(a_host_that_is_no_name_is_left_out),
        cmocka_unit_test(udp_is_one_datagram_a_message),
        cmocka_unit_test(tcp_counts_octets_and_connects_again),
        cmocka_unit_test(a_local_socket_may_go_and_come_back),
        cmocka_unit_test(a_receiver_that_takes_nothing_is_given_up_in_time),
        cmocka_unit_test(a_place_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
