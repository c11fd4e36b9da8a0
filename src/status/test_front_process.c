#include "status/front_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder that looks like /proc. */
static void put(const char *proc, const char *pid, const char *comm, const char *cmdline,
                const char *maps)
{
    char path[128];
    const char *const name[] = {"comm", "cmdline", "maps"}, *const text[] = {comm, cmdline, maps};
    snprintf(path, sizeof path, "%s/%s", proc, pid);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", proc, pid, name[i]);
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs(text[i], out);
        fclose(out);
    }
}

static void take_away(const char *proc, const char *pid)
{
    static const char *const name[] = {"/comm", "/cmdline", "/maps", ""};
    char path[128];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s%s", proc, pid, name[i]);
        assert_int_equal(remove(path), 0);
    }
}

#define WORKER "nginx: worker process"

static void nginx_with_the_module_is_found_among_others(void **state)
{
    (void)state;
    char proc[] = "/tmp/ecluse-proc-XXXXXX";
    assert_non_null(mkdtemp(proc));
    put(proc, "41", "nginx\n", WORKER,
        "7f0 r-xp 0 08:01 1 /usr/lib/nginx/modules/ngx_stream_module.so\n");
    put(proc, "42", "tail\n", "tail", "7f0 r-xp 0 08:01 1 /opt/ngx_http_ecluse_module.so\n");
    assert_int_equal(front_process_find(proc), 0);
    put(proc, "43", "nginx\n", WORKER,
        "7f0 r--p 0\n7f0 r-xp 0 08:01 1 /opt/ngx_http_ecluse_module.so (deleted)\n");
    assert_int_equal(front_process_find(proc), 43);
    take_away(proc, "41");
    take_away(proc, "42");
    take_away(proc, "43");
    assert_int_equal(rmdir(proc), 0);
    assert_int_equal(front_process_find(proc), 0);
}

static void who_counts_for_another_instance_is_not_meant_nor_a_master(void **state)
{
    (void)state;
    static const char module[] = "7f0 r-xp 0 08:01 1 /opt/ngx_http_ecluse_module.so\n";
    char proc[] = "/tmp/ecluse-proc-XXXXXX", both[256];
    snprintf(both, sizeof both, "%s7f1 rw-s 0 00:1b 1 /run/another/front.segment\n", module);
    assert_non_null(mkdtemp(proc));
    put(proc, "51", "nginx\n", "nginx: master process nginx -g daemon off;", module);
    put(proc, "52", "nginx\n", WORKER, both);
    assert_int_equal(front_process_find(proc), 0);
    put(proc, "53", "nginx\n", "nginx", module); /* master_process off */
    assert_int_equal(front_process_find(proc), 53);
    take_away(proc, "51");
    take_away(proc, "52");
    take_away(proc, "53");
    assert_int_equal(rmdir(proc), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nginx_with_the_module_is_found_among_others),
        cmocka_unit_test(who_counts_for_another_instance_is_not_meant_nor_a_master),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
