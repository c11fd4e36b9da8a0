/* bench-file-open: how long an open takes, of files that are there, by whoever runs it.
 *
 *   bench-file-open FOLDER [COUNT]
 *
 * Opens the files of the folder in turn, for reading, COUNT times in all (20,000), and prints the
 * median and the 99th of a hundred, in microseconds. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILES_MAX = 4096, COUNT_MAX = 1000000 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static size_t list_files(const char *folder, char *names[FILES_MAX])
{
    DIR *directory = opendir(folder);
    size_t count = 0;
    for (struct dirent *e; directory && count < FILES_MAX && (e = readdir(directory));)
        if (e->d_type == DT_REG)
            names[count++] = strdup(e->d_name);
    if (directory)
        closedir(directory);
    return count;
}

int main(int count, char **given)
{
    static char *names[FILES_MAX];
    unsigned long wanted = count > 2 ? strtoul(given[2], NULL, 10) : 20000;
    if (count < 2 || wanted == 0 || wanted > COUNT_MAX || chdir(given[1]) != 0) {
        fprintf(stderr, "usage: bench-file-open FOLDER [COUNT]\n");
        return 2;
    }
    size_t files = list_files(".", names);
    int64_t *took = calloc(wanted, sizeof *took);
    if (files == 0 || !took) {
        fprintf(stderr, "bench-file-open: no file there\n");
        return 2;
    }
    for (size_t i = 0; i < wanted; i++) {
        int64_t before = now_ns();
        int fd = open(names[i % files], O_RDONLY | O_CLOEXEC);
        took[i] = now_ns() - before;
        if (fd < 0) {
            perror("bench-file-open");
            return 1;
        }
        close(fd);
    }
    qsort(took, wanted, sizeof *took, by_size);
    printf("median %.2f p99 %.2f\n", (double)took[wanted / 2] / 1e3,
           (double)took[wanted * 99 / 100] / 1e3);
    return 0;
}
