#include "egress/kernel.h"

#include "egress_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILTER_HANDLE = 1, FILTER_PRIORITY = 1, MAPS_MOST = 16 };

static size_t mapped_size(size_t entry, size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (entry * count + page - 1) / page * page;
}

static int be_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level, (void)format, (void)arguments;
    return 0;
}

/* ---- Maps, by name --------------------------------------------------------------------------- */

static int *map_slot(struct kernel *k, const char *name)
{
    const struct {
        const char *name;
        int *at;
    } known[] = {{"places", &k->places},     {"free_places", &k->free_places}, {"flows", &k->flows},
                 {"attempts", &k->attempts}, {"classes", &k->classes},         {"news", &k->news},
                 {"entries", &k->entry_map}, {"settings", &k->settings_map}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].at;
    return NULL;
}

static struct kernel *kernel_new(void)
{
    struct kernel *k = calloc(1, sizeof *k);
    if (k)
        k->out = k->in = k->places = k->free_places = k->flows = k->attempts = k->classes =
            k->news = k->entry_map = k->settings_map = -1;
    return k;
}

static int take_word(void *context, void *data, size_t size)
{
    (void)context, (void)data, (void)size;
    return 0;
}

static int kernel_map(struct kernel *k, struct error *error)
{
    struct bpf_map_info info = {0};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(k->entry_map, &info, &size) < 0 ||
        info.value_size != sizeof(struct egress_entry) || info.max_entries <= ENTRY_FIRST)
        return error_set(error, -EPROTO, "the kernel's map of hosts is not of this version");
    k->entry_count = info.max_entries;
    void *settings = mmap(NULL, mapped_size(sizeof *k->settings, 1), PROT_READ | PROT_WRITE,
                          MAP_SHARED, k->settings_map, 0);
    if (settings == MAP_FAILED)
        return error_set(error, -errno, "the settings of the egress program: %s", strerror(errno));
    k->settings = settings;
    void *entries = mmap(NULL, mapped_size(sizeof *k->entries, k->entry_count),
                         PROT_READ | PROT_WRITE, MAP_SHARED, k->entry_map, 0);
    if (entries == MAP_FAILED)
        return error_set(error, -errno, "the hosts of the egress program: %s", strerror(errno));
    k->entries = entries;
    k->ring = ring_buffer__new(k->news, take_word, NULL, NULL);
    if (!k->ring)
        return error_set(error, -errno, "the news of the egress program: %s", strerror(errno));
    return 0;
}

void kernel_close(struct kernel *k)
{
    if (!k)
        return;
    if (k->ring)
        ring_buffer__free(k->ring);
    if (k->entries)
        munmap(k->entries, mapped_size(sizeof *k->entries, k->entry_count));
    if (k->settings)
        munmap(k->settings, mapped_size(sizeof *k->settings, 1));
    const int all[] = {k->out,      k->in,      k->places, k->free_places, k->flows,
                       k->attempts, k->classes, k->news,   k->entry_map,   k->settings_map};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] >= 0)
            close(all[i]);
    free(k);
}

/* ---- Loading --------------------------------------------------------------------------------- */

static int set_sizes(struct bpf_object *object, const struct kernel_sizes *sizes)
{
    uint32_t hosts = sizes && sizes->hosts ? sizes->hosts : EGRESS_HOSTS;
    const struct {
        const char *name;
        uint32_t entries;
    } wanted[] = {{"places", hosts},
                  {"free_places", hosts},
                  {"entries", hosts + ENTRY_FIRST},
                  {"flows", sizes ? sizes->flows : 0},
                  {"attempts", sizes ? sizes->attempts : 0}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(object, wanted[i].name);
        if (!map)
            return -EPROTO;
        int code = wanted[i].entries ? bpf_map__set_max_entries(map, wanted[i].entries) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}

/* Connections are the same whatever the contract says; classes are looked up anew (generation). */
static int share_connections(struct bpf_object *object, const struct kernel *old)
{
    const struct {
        const char *name;
        int fd;
    } shared[] = {{"flows", old->flows}, {"attempts", old->attempts}};
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(object, shared[i].name);
        int code = map ? bpf_map__reuse_fd(map, shared[i].fd) : -EPROTO;
        if (code < 0)
            return code;
    }
    return 0;
}

/* Our own copies of the descriptors: the object is closed, what it loaded stays as long as these
 * do. */
static int take_descriptors(struct bpf_object *object, struct kernel *k)
{
    struct bpf_map *map;
    bpf_object__for_each_map(map, object)
    {
        int *slot = map_slot(k, bpf_map__name(map));
        if (slot && (*slot = dup(bpf_map__fd(map))) < 0)
            return -errno;
    }
    const struct bpf_program *out = bpf_object__find_program_by_name(object, "egress_out");
    const struct bpf_program *in = bpf_object__find_program_by_name(object, "egress_in");
    if (!out || !in)
        return -EPROTO;
    k->out = dup(bpf_program__fd(out));
    k->in = dup(bpf_program__fd(in));
    return k->out < 0 || k->in < 0 ? -errno : 0;
}

static int fill_maps(struct kernel *k, const struct egress_config *config)
{
    for (size_t i = 0; i < config->prefix_count; i++)
        if (bpf_map_update_elem(k->classes, &config->prefix[i].prefix, &config->prefix[i].class,
                                BPF_ANY) < 0)
            return -errno;
    for (uint32_t i = ENTRY_FIRST; i < k->entry_count; i++)
        if (bpf_map_update_elem(k->free_places, NULL, &i, BPF_ANY) < 0)
            return -errno;
    for (unsigned i = 0; i < EGRESS_ACCOUNTS; i++) {
        k->entries[ENTRY_EVERYONE].account[i].ceiling = 0;
        k->entries[ENTRY_NEWCOMERS].account[i].ceiling = config->settings.rule[i].first;
    }
    *k->settings = config->settings;
    return 0;
}

int kernel_load(const struct egress_config *config, const struct kernel_sizes *sizes,
                struct kernel **out, struct error *error)
{
    libbpf_set_print(be_quiet);
    struct kernel *k = kernel_new();
    if (!k)
        return error_set(error, -ENOMEM, "no memory for the egress program");
    struct bpf_object *object = bpf_object__open_mem(egress_object, sizeof egress_object, NULL);
    if (!object) {
        kernel_close(k);
        return error_set(error, -EPROTO, "the egress program cannot be read: %s", strerror(errno));
    }
    int code = set_sizes(object, sizes);
    if (code == 0 && sizes && sizes->old)
        code = share_connections(object, sizes->old);
    if (code == 0)
        code = bpf_object__load(object);
    if (code == 0)
        code = take_descriptors(object, k);
    bpf_object__close(object);
    if (code < 0)
        error_set(error, code, "the egress program cannot be loaded: %s%s", strerror(-code),
                  code == -EPERM ? "; it takes CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN" : "");
    if (code == 0)
        code = kernel_map(k, error);
    if (code == 0 && (code = fill_maps(k, config)) < 0)
        error_set(error, code, "the maps of the egress program cannot be filled: %s",
                  strerror(-code));
    if (code < 0) {
        kernel_close(k);
        return code;
    }
    if (sizes && sizes->old)
        k->settings->generation = sizes->old->settings->generation + 1;
    *out = k;
    return 0;
}

/* ---- On an interface ------------------------------------------------------------------------- */

static enum bpf_tc_attach_point point_of(bool host, bool outward)
{
    return host == outward ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

static int attach_one(int program, unsigned interface, enum bpf_tc_attach_point point)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface, .attach_point = point);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
                .prog_fd = program, .flags = BPF_TC_F_REPLACE);
    return bpf_tc_attach(&hook, &options);
}

int kernel_attach(const struct kernel *k, unsigned interface, bool host, struct error *error)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface,
                .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
    int code = bpf_tc_hook_create(&hook);
    if (code == 0 || code == -EEXIST)
        code = attach_one(k->in, interface, point_of(host, false));
    if (code == 0)
        code = attach_one(k->out, interface, point_of(host, true));
    if (code < 0)
        return error_set(error, code, "the egress program cannot be attached to interface %u: %s%s",
                         interface, strerror(-code),
                         code == -ENOENT ? "; does this kernel have sch_ingress and cls_bpf?" : "");
    return 0;
}

int kernel_detach(unsigned interface, bool host, struct error *error)
{
    for (int outward = 0; outward < 2; outward++) {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface,
                    .attach_point = point_of(host, outward));
        LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
        int code = bpf_tc_detach(&hook, &options);
        if (code < 0 && code != -ENOENT && code != -EINVAL)
            return error_set(error, code,
                             "the egress program cannot be taken from interface %u: %s", interface,
                             strerror(-code));
    }
    return 0;
}

static int program_on(unsigned interface, enum bpf_tc_attach_point point, const char *name)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)interface, .attach_point = point);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
    if (bpf_tc_query(&hook, &options) < 0)
        return -ENOENT;
    int fd = bpf_prog_get_fd_by_id(options.prog_id);
    struct bpf_prog_info info = {0};
    __u32 size = sizeof info;
    if (fd >= 0 && (bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || strcmp(info.name, name) != 0)) {
        close(fd);
        return -ENOENT;
    }
    return fd < 0 ? -ENOENT : fd;
}

static int maps_of(struct kernel *k, int program)
{
    __u32 ids[MAPS_MOST] = {0};
    struct bpf_prog_info info = {.nr_map_ids = MAPS_MOST, .map_ids = (__u64)(uintptr_t)ids};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &size) < 0)
        return -errno;
    for (__u32 i = 0; i < info.nr_map_ids && i < MAPS_MOST; i++) {
        struct bpf_map_info map = {0};
        size = sizeof map;
        int fd = bpf_map_get_fd_by_id(ids[i]);
        if (fd < 0)
            return -errno;
        int *slot = bpf_obj_get_info_by_fd(fd, &map, &size) < 0 ? NULL : map_slot(k, map.name);
        if (slot && *slot < 0)
            *slot = fd;
        else
            close(fd);
    }
    return k->settings_map < 0 || k->entry_map < 0 || k->places < 0 || k->free_places < 0 ||
                   k->news < 0 || k->flows < 0 || k->attempts < 0 || k->classes < 0
               ? -ENOENT
               : 0;
}

int kernel_find(unsigned interface, bool host, struct kernel **out, struct error *error)
{
    libbpf_set_print(be_quiet);
    struct kernel *k = kernel_new();
    if (!k)
        return error_set(error, -ENOMEM, "no memory for the egress program");
    k->out = program_on(interface, point_of(host, true), "egress_out");
    k->in = program_on(interface, point_of(host, false), "egress_in");
    if (k->out >= 0 && k->in >= 0 && maps_of(k, k->out) == 0 && kernel_map(k, error) == 0 &&
        k->settings->layout == EGRESS_LAYOUT) {
        *out = k;
        return 0;
    }
    kernel_close(k);
    return error_set(error, -ENOENT, "interface %u has no egress program of this version",
                     interface);
}

/* ---- While it runs --------------------------------------------------------------------------- */

int kernel_place(const struct kernel *k, const struct egress_pair *who, uint32_t *out)
{
    uint32_t index;
    if (bpf_map_lookup_elem(k->places, who, &index) < 0 || index >= k->entry_count)
        return -ENOENT;
    *out = index;
    return 0;
}

int kernel_make(const struct kernel *k, const struct egress_host *host)
{
    struct egress_pair who = {.host = *host};
    uint32_t index;
    if (kernel_place(k, &who, &index) == 0)
        return 0;
    if (bpf_map_lookup_and_delete_elem(k->free_places, NULL, &index) < 0)
        return -ENOSPC;
    must(index >= ENTRY_FIRST && index < k->entry_count);
    k->entries[index].host = *host;
    __atomic_store_n(&k->entries[index].kind, ENTRY_HOST, __ATOMIC_SEQ_CST);
    return bpf_map_update_elem(k->places, &who, &index, BPF_ANY) < 0 ? -errno : 0;
}

int kernel_forget(const struct kernel *k, const struct egress_pair *who)
{
    return bpf_map_delete_elem(k->places, who) < 0 ? -errno : 0;
}

int kernel_give_back(const struct kernel *k, uint32_t index)
{
    must(index >= ENTRY_FIRST && index < k->entry_count);
    memset(&k->entries[index], 0, sizeof k->entries[index]);
    return bpf_map_update_elem(k->free_places, NULL, &index, BPF_ANY) < 0 ? -errno : 0;
}

int kernel_waiting(const struct kernel *k)
{
    return ring_buffer__epoll_fd(k->ring);
}

void kernel_noticed(const struct kernel *k)
{
    ring_buffer__consume(k->ring);
    __atomic_store_n(&k->settings->wake, 0, __ATOMIC_SEQ_CST);
}
