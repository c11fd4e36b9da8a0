/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
 *
 * The kernel's half of ended.h: whoever ends leaves a line. At this point of its end a thread has
 * its credentials and its parent still (kernel/exit.c, do_exit()), and has done all that it does.
 */
#include "ended_map.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define OF_THE_KERNEL __attribute__((preserve_access_index)) /* where it lies is found at load */

typedef struct {
    __u32 val;
} kuid_t;

struct cred {
    kuid_t uid, suid, fsuid;
} OF_THE_KERNEL;

struct task_struct {
    int pid, tgid;
    __u64 start_boottime;
    struct task_struct *real_parent;
    const struct cred *cred;
} OF_THE_KERNEL;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, ENDED_ROOM);
    __type(key, __u32);
    __type(value, struct ended_entry);
} ended SEC(".maps");

SEC("tp_btf/sched_process_exit")
int note_end(__u64 *arguments)
{
    const struct task_struct *task = (const void *)arguments[0];
    __u32 thread = (__u32)task->pid, at = thread % ENDED_ROOM;
    struct ended_entry *entry = bpf_map_lookup_elem(&ended, &at);
    if (!entry)
        return 0;
    (void)__sync_lock_test_and_set(&entry->thread, 0); /* in this order for whoever reads */
    entry->process = (__u32)task->tgid;
    entry->parent = (__u32)task->real_parent->tgid;
    entry->real = task->cred->uid.val;
    entry->saved = task->cred->suid.val;
    entry->file = task->cred->fsuid.val;
    entry->began = task->start_boottime;
    entry->at = bpf_ktime_get_boot_ns();
    (void)__sync_lock_test_and_set(&entry->thread, thread);
    return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
