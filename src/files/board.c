#include "files/board.h"

#include <stdlib.h>
#include <sys/mman.h>

struct board *board_new(void)
{
    void *board =
        mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return board == MAP_FAILED ? NULL : board;
}

void board_free(struct board *board)
{
    if (board)
        munmap(board, sizeof *board);
}

void board_trace(struct board *board, const struct trace_act *act, struct text path, nanos_t now)
{
    uint64_t number = atomic_fetch_add_explicit(&board->next, 1, memory_order_relaxed) + 1;
    struct trace *trace = &board->trace[number % TRACE_COUNT];
    size_t length = path.length < TRACE_PATH_SIZE ? path.length : TRACE_PATH_SIZE - 1;
    atomic_store_explicit(&trace->number, 0, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    trace->tree = act->tree;
    trace->at = now;
    trace->user = act->user;
    trace->share = act->share;
    trace->kind = (uint8_t)act->kind;
    trace->figures = act->figures ? *act->figures : (struct rewrite_figures){0};
    memcpy(trace->path, path.data + path.length - length, length);
    trace->path[length] = 0;
    atomic_store_explicit(&trace->number, number, memory_order_release);
}

bool board_trace_read(const struct board *board, uint64_t number, struct trace *out)
{
    const struct trace *trace = &board->trace[number % TRACE_COUNT];
    if (number == 0 || atomic_load_explicit(&trace->number, memory_order_acquire) != number)
        return false;
    memcpy(out, trace, sizeof *out);
    atomic_thread_fence(memory_order_acquire);
    out->path[TRACE_PATH_SIZE - 1] = 0;
    return atomic_load_explicit(&trace->number, memory_order_relaxed) == number;
}

const char *board_count_name(enum board_count count)
{
    static const char *const names[] = {
#define X(constant, name, ...) name,
        BOARD_COUNTS(X)
#undef X
    };
    return (unsigned)count < BOARD_COUNT_COUNT ? names[count] : "?";
}
