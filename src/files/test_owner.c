/* Threads are told apart by whom they act for, in real processes. */
#include "files/owner.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW (1000 * NANOS_SECOND)

struct stage {
    int proc, told[2];
    struct owners *owners;
    struct ended *ended;
    _Atomic int32_t ours[OWNER_MOST_OURS];
    pid_t child[8];
    unsigned children;
};

static int begin(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    s->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(pipe(s->told), 0);
    assert_int_equal(owners_new(s->proc, s->ours, &s->owners), 0);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct stage *s = *state;
    for (unsigned i = 0; i < s->children; i++) {
        kill(s->child[i], SIGKILL);
        waitpid(s->child[i], NULL, 0);
    }
    owners_free(s->owners);
    ended_close(s->ended);
    close(s->told[0]);
    close(s->told[1]);
    close(s->proc);
    free(s);
    return 0;
}

/* A process that does `work`, then says the thread that is meant, and waits. */
static pid_t begins(struct stage *s, void (*work)(void))
{
    pid_t meant = 0, pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        work();
        meant = (pid_t)syscall(SYS_gettid);
        if (write(s->told[1], &meant, sizeof meant) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    s->child[s->children++] = pid;
    assert_int_equal(read(s->told[0], &meant, sizeof meant), sizeof meant);
    return meant;
}

static void as_1000(void)
{
    if (setresuid(1000, 1000, 1000) != 0)
        _exit(1);
}

static void as_1001_for_files(void)
{
    setfsuid(1001);
}

static void nothing(void)
{
}

static void the_user_is_that_of_the_file_system(void **state)
{
    struct stage *s = *state;
    struct owner plain = owners_find(s->owners, begins(s, as_1000), NOW);
    assert_true(plain.known && !plain.root);
    assert_int_equal(plain.user, 1000);
    struct owner served = owners_find(s->owners, begins(s, as_1001_for_files), NOW);
    assert_int_equal(served.user, 1001);
    assert_true(served.root);
}

struct waiting_thread {
    int told, until; /* writes its number; ends when this can be read */
};

static void *be_1002(void *context)
{
    const struct waiting_thread *w = context;
    char byte;
    syscall(SYS_setresuid, 1002, 1002, 1002); /* this thread alone */
    pid_t thread = (pid_t)syscall(SYS_gettid);
    if (write(w->told, &thread, sizeof thread) < 0 || read(w->until, &byte, 1) < 0)
        return NULL;
    return NULL;
}

static void a_thread_is_told_from_its_process(void **state)
{
    struct stage *s = *state;
    pthread_t thread;
    pid_t id;
    int until[2];
    assert_int_equal(pipe(until), 0);
    struct waiting_thread w = {s->told[1], until[0]};
    assert_int_equal(pthread_create(&thread, NULL, be_1002, &w), 0);
    assert_int_equal(read(s->told[0], &id, sizeof id), sizeof id);
    assert_int_equal(owners_find(s->owners, id, NOW).user, 1002);
    assert_int_equal(owners_find(s->owners, id, NOW).process, getpid());
    assert_int_equal(owners_find(s->owners, getpid(), NOW).user, getuid());
    close(until[1]);
    pthread_join(thread, NULL);
    close(until[0]);
}

static void a_thread_that_changes_its_user_is_looked_at_again(void **state)
{
    struct stage *s = *state;
    assert_int_equal(owners_find(s->owners, getpid(), NOW).user, 0);
    setfsuid(1003);
    assert_int_equal(owners_find(s->owners, getpid(), NOW).user, 1003);
    setfsuid(0);
}

static void forks_of_one_session_are_one_tree(void **state)
{
    struct stage *s = *state;
    struct owner one = owners_find(s->owners, begins(s, as_1000), NOW);
    uint64_t tree = one.tree->id;
    struct owner two = owners_find(s->owners, begins(s, as_1000), NOW);
    assert_true(two.tree && two.tree->id == tree);
    assert_ptr_equal(owners_tree(s->owners, tree), two.tree);
    assert_null(owners_tree(s->owners, tree + 1));
    char name[TREE_NAME_SIZE];
    assert_true(owner_tree_name(s->proc, s->child[0], name));
    assert_true(owner_tree_id(name) == tree);
}

static void who_is_gone_is_who_it_was_and_who_never_was_is_nobody(void **state)
{
    struct stage *s = *state;
    pid_t id = begins(s, as_1000);
    assert_int_equal(owners_find(s->owners, id, NOW).user, 1000);
    kill(id, SIGKILL);
    waitpid(id, NULL, 0);
    s->children--;
    struct owner gone = owners_find(s->owners, id, NOW);
    assert_true(gone.known);
    assert_int_equal(gone.user, 1000);
    assert_false(owners_find(s->owners, 4194303, NOW).known);
    assert_false(owners_find(s->owners, 0, NOW).known);
}

static void ask_ended(struct stage *s)
{
    struct error error;
    assert_int_equal(ended_open(&s->ended, &error), 0);
    owners_ask_ended(s->owners, s->ended);
}

static pid_t ended_as(uid_t user)
{
    pid_t child = fork();
    if (child == 0)
        _exit(setresuid(user, user, user) != 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return child;
}

static void who_ended_is_of_its_parents_tree_if_that_is_the_same_user(void **state)
{
    struct stage *s = *state;
    ask_ended(s);
    nanos_t now = clock_boot();
    struct owner self = owners_find(s->owners, getpid(), now);
    struct owner same = owners_find(s->owners, ended_as(0), now);
    assert_true(self.tree && same.known && same.root && !same.ours);
    assert_ptr_equal(same.tree, self.tree);
    struct owner other = owners_find(s->owners, ended_as(1002), now);
    assert_true(other.known && !other.root);
    assert_int_equal(other.user, 1002);
    assert_null(other.tree);
    pid_t middle = fork(), grandchild;
    if (middle == 0) { /* gone as well, by then */
        grandchild = ended_as(0);
        _exit(write(s->told[1], &grandchild, sizeof grandchild) != sizeof grandchild);
    }
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    assert_int_equal(read(s->told[0], &grandchild, sizeof grandchild), sizeof grandchild);
    assert_ptr_equal(owners_find(s->owners, grandchild, now).tree, self.tree);
    middle = fork();
    if (middle == 0) { /* gone, too, and was looked at while it lived */
        if (setresuid(1005, 1005, 1005) != 0)
            _exit(1);
        grandchild = ended_as(1005);
        ssize_t put = write(s->told[1], &grandchild, sizeof grandchild);
        _exit(put == sizeof grandchild && raise(SIGSTOP) != 0);
    }
    assert_int_equal(read(s->told[0], &grandchild, sizeof grandchild), sizeof grandchild);
    const struct tree *tree = owners_find(s->owners, grandchild, clock_boot()).tree;
    assert_non_null(tree);
    kill(middle, SIGKILL);
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    assert_ptr_equal(owners_find(s->owners, grandchild, clock_boot()).tree, tree);
    static const struct owner_trusted trusted = {.user = 1002, .executable = "/no", .inode = 1};
    owners_trust(s->owners, &trusted, 1);
    assert_false(owners_find(s->owners, ended_as(1002), now).known);
    assert_true(owners_find(s->owners, ended_as(1003), now).known);
}

static void *tell_number(void *told)
{
    pid_t id = (pid_t)syscall(SYS_gettid);
    return write(*(int *)told, &id, sizeof id) == sizeof id ? NULL : told;
}

static void a_thread_that_ended_is_of_its_living_process(void **state)
{
    struct stage *s = *state;
    pid_t thread;
    ask_ended(s);
    pid_t child = fork();
    if (child == 0) {
        pthread_t one;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setresuid(1005, 1005, 1005) != 0 ||
            pthread_create(&one, NULL, tell_number, &s->told[1]) != 0)
            _exit(1);
        pthread_join(one, NULL);
        pause();
    }
    s->child[s->children++] = child;
    assert_int_equal(read(s->told[0], &thread, sizeof thread), sizeof thread);
    struct ended_thread line;
    for (int i = 0; i < 500 && !ended_find(s->ended, thread, clock_boot(), &line); i++)
        usleep(1000);
    struct owner owner = owners_find(s->owners, thread, clock_boot());
    assert_non_null(owner.tree);
    assert_ptr_equal(owner.tree, owners_find(s->owners, child, clock_boot()).tree);
}

/* Seen as one user, it ends as another. */
static pid_t changed_after_it_was_seen(struct stage *s, nanos_t seen)
{
    char go = 0;
    int wait[2];
    assert_int_equal(pipe(wait), 0);
    pid_t child = fork();
    if (child == 0) {
        ssize_t got = read(wait[0], &go, 1);
        _exit(got != 1 || setresuid(1006, 1006, 1006) != 0);
    }
    assert_int_equal(owners_find(s->owners, child, seen ? seen : clock_boot()).user, 0);
    assert_int_equal(write(wait[1], &go, 1), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(wait[0]);
    close(wait[1]);
    return child;
}

static void who_was_seen_is_not_the_one_that_ended_if_that_began_later(void **state)
{
    struct stage *s = *state;
    ask_ended(s);
    pid_t same = changed_after_it_was_seen(s, 0), other = changed_after_it_was_seen(s, 1);
    nanos_t now = clock_boot();
    assert_int_equal(owners_find(s->owners, same, now).user, 0); /* as what it acted */
    assert_int_equal(owners_find(s->owners, other, now).user, 1006);
    owners_ask_ended(s->owners, NULL);
    assert_false(owners_find(s->owners, other, now).known); /* seen long ago, and no line */
}

static void roots_servers_act_for_others_and_nobody_else_does(void **state)
{
    struct stage *s = *state;
    char go = 0;
    int wait[2];
    assert_int_equal(pipe(wait), 0);
    pid_t child = fork();
    if (child == 0) { /* as a program is that belongs to root (setuid) */
        int failed = setresuid(1007, 0, 0);
        failed |= write(s->told[1], &go, 1) != 1;
        _exit(failed || read(wait[0], &go, 1) != 1);
    }
    assert_int_equal(read(s->told[0], &go, 1), 1);
    assert_int_equal(owners_find(s->owners, child, NOW).user, 1007);
    assert_int_equal(write(wait[1], &go, 1), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(wait[0]);
    close(wait[1]);
}

static void our_own_processes_and_their_children_are_ours(void **state)
{
    struct stage *s = *state;
    pid_t id = begins(s, nothing);
    assert_false(owners_find(s->owners, id, NOW).ours);
    s->ours[0] = getpid();
    assert_true(owners_find(s->owners, id, NOW + OWNER_FRESH).ours);
}

/* While a process is taken apart its numbers are 0, and so are places of ours that are free. */
static void who_is_half_gone_is_gone_and_not_one_of_ours(void **state)
{
    struct stage *s = *state;
    static const char status[] = "Name:\tcc\nTgid:\t0\nNgid:\t0\nPid:\t0\nPPid:\t0\n"
                                 "Uid:\t1000\t1000\t1000\t1000\n";
    char folder[] = "/tmp/ecluse-proc-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/4242", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/status");
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(file, status, sizeof status - 1), sizeof status - 1);
    close(file);
    int proc = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct owners *owners;
    assert_int_equal(owners_new(proc, s->ours, &owners), 0);
    struct owner owner = owners_find(owners, 4242, NOW);
    assert_false(owner.ours);
    assert_false(owner.known);
    owners_free(owners);
    close(proc);
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = 0;
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_program_is_trusted_as_its_user_and_by_its_file(void **state)
{
    struct stage *s = *state;
    struct stat file;
    struct owner_trusted trusted = {.user = 1000};
    ssize_t length = readlink("/proc/self/exe", trusted.executable, sizeof trusted.executable - 1);
    assert_true(length > 0 && stat("/proc/self/exe", &file) == 0);
    trusted.device = file.st_dev;
    trusted.inode = file.st_ino;
    owners_trust(s->owners, &trusted, 1);
    pid_t id = begins(s, as_1000);
    assert_int_equal(owners_find(s->owners, id, NOW).trusted, 0);
    assert_int_equal(owners_find(s->owners, getpid(), NOW).trusted, OWNER_NOBODY);
    trusted.inode++; /* the name is right, and another file lies there */
    assert_int_equal(owners_find(s->owners, id, NOW).trusted, OWNER_NOBODY);
}

static void an_open_that_waits_shows_what_it_is_for(void **state)
{
    struct stage *s = *state;
    char folder[] = "/tmp/ecluse-owner-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(open(path, O_WRONLY) < 0);
    }
    s->child[s->children++] = pid;
    assert_true(owners_find(s->owners, pid, NOW).known);
    enum intent intent = INTENT_UNSEEN;
    for (int i = 0; i < 500 && intent == INTENT_UNSEEN; i++) {
        usleep(2000);
        intent = owners_intent(s->owners, pid, false);
    }
    assert_int_equal(intent, INTENT_WRITE);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    if (geteuid() != 0) {
        print_message("skipped: these tests make processes of other users, and need root\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_user_is_that_of_the_file_system, begin, end),
        cmocka_unit_test_setup_teardown(a_thread_is_told_from_its_process, begin, end),
        cmocka_unit_test_setup_teardown(a_thread_that_changes_its_user_is_looked_at_again, begin,
                                        end),
        cmocka_unit_test_setup_teardown(forks_of_one_session_are_one_tree, begin, end),
        cmocka_unit_test_setup_teardown(who_is_gone_is_who_it_was_and_who_never_was_is_nobody,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            who_ended_is_of_its_parents_tree_if_that_is_the_same_user, begin, end),
        cmocka_unit_test_setup_teardown(a_thread_that_ended_is_of_its_living_process, begin, end),
        cmocka_unit_test_setup_teardown(
            who_was_seen_is_not_the_one_that_ended_if_that_began_later, begin, end),
        cmocka_unit_test_setup_teardown(roots_servers_act_for_others_and_nobody_else_does, begin,
                                        end),
        cmocka_unit_test_setup_teardown(our_own_processes_and_their_children_are_ours, begin, end),
        cmocka_unit_test_setup_teardown(who_is_half_gone_is_gone_and_not_one_of_ours, begin, end),
        cmocka_unit_test_setup_teardown(a_program_is_trusted_as_its_user_and_by_its_file, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_open_that_waits_shows_what_it_is_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
