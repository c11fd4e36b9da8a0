#include "files/ended.h"

#include "ended_object.h"
#include "files/ended_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_PID_SPACE = 0xeffffffc }; /* PROC_PID_INIT_INO of include/linux/proc_ns.h */

struct ended {
    struct bpf_object *object;
    struct bpf_link *link;
    const struct ended_entry *entry; /* ENDED_ROOM of them */
};

static size_t mapped_size(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (ENDED_ROOM * sizeof(struct ended_entry) + page - 1) / page * page;
}

static int be_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level, (void)format, (void)arguments;
    return 0;
}

static int begin(struct ended *ended)
{
    libbpf_set_print(be_quiet);
    ended->object = bpf_object__open_mem(ended_object, sizeof ended_object, NULL);
    int code = ended->object ? bpf_object__load(ended->object) : -errno;
    if (code < 0)
        return code;
    struct bpf_program *program = bpf_object__find_program_by_name(ended->object, "note_end");
    struct bpf_map *map = bpf_object__find_map_by_name(ended->object, "ended");
    must(program && map);
    ended->link = bpf_program__attach(program);
    if (!ended->link)
        return -errno;
    void *shared = mmap(NULL, mapped_size(), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
    if (shared == MAP_FAILED)
        return -errno;
    ended->entry = shared;
    return 0;
}

int ended_open(struct ended **out, struct error *error)
{
    struct stat space;
    if (stat("/proc/self/ns/pid", &space) != 0 || space.st_ino != FIRST_PID_SPACE)
        return error_set(error, -EOPNOTSUPP,
                         "in a pid name space, threads that have ended are not told apart");
    struct ended *ended = calloc(1, sizeof *ended);
    if (!ended)
        return error_set(error, -ENOMEM, "no memory");
    int code = begin(ended);
    if (code < 0) {
        ended_close(ended);
        return error_set(error, code, "threads that have ended cannot be told apart: eBPF: %s",
                         strerror(-code));
    }
    *out = ended;
    return 0;
}

void ended_close(struct ended *ended)
{
    if (!ended)
        return;
    if (ended->entry)
        munmap((void *)ended->entry, mapped_size());
    bpf_link__destroy(ended->link);
    bpf_object__close(ended->object);
    free(ended);
}

bool ended_find(const struct ended *ended, pid_t thread, nanos_t now, struct ended_thread *out)
{
    if (!ended || thread <= 0)
        return false;
    const struct ended_entry *entry = &ended->entry[(uint32_t)thread % ENDED_ROOM];
    if (__atomic_load_n(&entry->thread, __ATOMIC_ACQUIRE) != (uint32_t)thread)
        return false;
    nanos_t at = (nanos_t)__atomic_load_n(&entry->at, __ATOMIC_RELAXED);
    *out = (struct ended_thread){
        .process = (pid_t)__atomic_load_n(&entry->process, __ATOMIC_RELAXED),
        .parent = (pid_t)__atomic_load_n(&entry->parent, __ATOMIC_RELAXED),
        .user = __atomic_load_n(&entry->file, __ATOMIC_RELAXED),
        .real = __atomic_load_n(&entry->real, __ATOMIC_RELAXED),
        .saved = __atomic_load_n(&entry->saved, __ATOMIC_RELAXED),
        .began = (nanos_t)__atomic_load_n(&entry->began, __ATOMIC_RELAXED),
    };
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&entry->thread, __ATOMIC_RELAXED) == (uint32_t)thread &&
           now - at < ENDED_FOR;
}
