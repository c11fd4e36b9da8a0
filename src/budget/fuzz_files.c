/* Any bytes as a guard's segment or rings, and any text as a release's or a principal's name. */
#include "budget/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct contract *contract;
static char folder[] = "/dev/shm/ecluse-fuzz-XXXXXX";
static uint8_t *good[2];
static size_t good_size[2];

static void remove_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        _exit(1);
}

static uint8_t *read_whole(const char *path, size_t *size)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    must(f && fstat(fileno(f), &st) == 0);
    *size = (size_t)st.st_size;
    uint8_t *bytes = malloc(*size);
    must(bytes && fread(bytes, 1, *size, f) == *size);
    fclose(f);
    return bytes;
}

static void write_whole(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    must(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static const struct budget_sizes sizes = {.cells = 64, .rings = 128, .holds = 64, .things = 64};

static void begin(void)
{
    contract = calloc(1, sizeof *contract);
    must(contract && mkdtemp(folder));
    atexit(remove_folder);
    snprintf(contract->state, sizeof contract->state, "%s", folder);
    snprintf(contract->runtime, sizeof contract->runtime, "%s", folder);
    contract->budget_count = 2;
    contract->budget[0] = (struct budget_rule){.name = "a",
                                               .meter = METER_REQUESTS,
                                               .over = OVER_HOLD,
                                               .window_count = 2,
                                               .window = {{NANOS_MINUTE, 2}, {NANOS_HOUR, 3}}};
    contract->budget[1] = (struct budget_rule){.name = "b", .meter = METER_FILES_READ,
                                               .per = PRINCIPAL_EVERYONE, .over = OVER_HOLD,
                                               .window_count = 1, .window = {{NANOS_DAY, 5}}};
    struct moment m = {.boot = NANOS_DAY, .wall = NANOS_DAY};
    must(budget_create(contract, GUARD_FRONT, &sizes, m, -1, NULL) >= 0);
    char path[FILE_PATH_SIZE];
    for (int k = 0; k < 2; k++) {
        file_path(contract, GUARD_FRONT, (enum file_kind)k, path);
        good[k] = read_whole(path, &good_size[k]);
    }
}

/* Records of 4 bytes: which file and where (24 bits), what. */
static void damage(const uint8_t *data, size_t size)
{
    char path[FILE_PATH_SIZE];
    for (int k = 0; k < 2; k++) {
        uint8_t *bytes = malloc(good_size[k]);
        must(bytes);
        memcpy(bytes, good[k], good_size[k]);
        for (size_t i = 0; i + 4 <= size; i += 4) {
            size_t at = (size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2];
            if ((int)(at & 1) == k)
                bytes[(at >> 1) % good_size[k]] ^= data[i + 3];
        }
        file_path(contract, GUARD_FRONT, (enum file_kind)k, path);
        write_whole(path, bytes, good_size[k]);
        free(bytes);
    }
}

static void use(struct budgets *b)
{
    struct hold h[8];
    struct budget_state s;
    for (unsigned i = 0; i < 40; i++) {
        uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [15] = (uint8_t)(i % 5)};
        struct principal p = principal_client(contract, address);
        p.proven = i & 1;
        budget_charge(b, 0, &p, 1 + i % 3, NANOS_DAY + i);
        budget_charge_distinct(b, 1, &p, i, NANOS_DAY + i);
        budget_tick(b, NANOS_DAY + i * NANOS_SECOND);
    }
    size_t n = holds_list(b, NANOS_DAY, h, 8);
    for (size_t i = 0; i < n; i++)
        hold_release(b, h[i].id, NANOS_DAY);
    for (unsigned i = 0; i < 2; i++)
        budget_state(b, i, NANOS_DAY, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!contract)
        begin();
    enum guard guard;
    uint64_t id;
    struct principal p;
    struct text text = {(const char *)data, size};
    hold_name_parse(text, &guard, &id);
    principal_parse(contract, text, &p);
    damage(data, size);
    struct budgets *b;
    if (budget_open(contract, GUARD_FRONT, false, &b, NULL) == 0) {
        use(b);
        budget_close(b);
    }
    struct moment m = {.boot = NANOS_MINUTE, .wall = 2 * NANOS_DAY, .boot_id = {1}};
    if (budget_create(contract, GUARD_FRONT, &sizes, m, -1, NULL) >= 0 &&
        budget_open(contract, GUARD_FRONT, false, &b, NULL) == 0)
        budget_close(b);
    return 0;
}
