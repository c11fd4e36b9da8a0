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

/* A folder that looks like /proc: three processes, of which one is nginx with the module. */
static void put(const char *proc, const char *pid, const char *comm, const char *maps)
{
    char path[128];
    const char *const name[] = {"comm", "maps"}, *const text[] = {comm, maps};
    snprintf(path, sizeof path, "%s/%s", proc, pid);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", proc, pid, name[i]);
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs(text[i], out);
        fclose(out);
    }
}

static void take_away(const char *proc, const char *pid)
{
    static const char *const name[] = {"/comm", "/maps", ""};
    char path[128];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s%s", proc, pid, name[i]);
        assert_int_equal(remove(path), 0);
    }
}

static void nginx_with_the_module_is_found_among_others(void **state)
{
    (void)state;
    char proc[] = "/tmp/ecluse-proc-XXXXXX";
    assert_non_null(mkdtemp(proc));
    put(proc, "41", "nginx\n", "7f0 r-xp 0 08:01 1 /usr/lib/nginx/modules/ngx_stream_module.so\n");
    put(proc, "42", "tail\n", "7f0 r-xp 0 08:01 1 /opt/ngx_http_ecluse_module.so\n");
    assert_int_equal(front_process_find(proc), 0);
    put(proc, "43", "nginx\n",
        "7f0 r--p 0\n7f0 r-xp 0 08:01 1 /opt/ngx_http_ecluse_module.so (deleted)\n");
    assert_int_equal(front_process_find(proc), 43);
    take_away(proc, "41");
    take_away(proc, "42");
    take_away(proc, "43");
    assert_int_equal(rmdir(proc), 0);
    assert_int_equal(front_process_find(proc), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nginx_with_the_module_is_found_among_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
