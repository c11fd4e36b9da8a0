#include "cli/inputs.h"

#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int inputs_open(const struct arguments *a, bool json, struct inputs *out)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) { /* the limit on descriptors is that on files */
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    *out = (struct inputs){.input = calloc(a->operand_count + 1, sizeof *out->input)};
    must(out->input != NULL);
    uint64_t total = 0;
    bool measured = true;
    for (size_t i = 0; i < a->operand_count || i == 0; i++) {
        const char *name = a->operand_count ? a->operand[i] : "-";
        bool standard = strcmp(name, "-") == 0;
        int descriptor = standard ? dup(STDIN_FILENO) : open(name, O_RDONLY | O_CLOEXEC);
        struct stat status;
        if (descriptor < 0 || fstat(descriptor, &status) != 0)
            return could_not(json, "%s cannot be read: %s%s", name, strerror(errno),
                             errno == EMFILE ? "; give fewer files at once" : "");
        out->input[out->count++] = (struct input){standard ? "(standard input)" : name, descriptor};
        if (S_ISDIR(status.st_mode))
            return could_not(json, "%s is a folder; name the files in it", name);
        measured = measured && S_ISREG(status.st_mode);
        total += S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    }
    out->total = measured ? total : 0;
    return EXIT_DONE;
}

void inputs_close(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        close(inputs->input[i].descriptor);
    free(inputs->input);
    *inputs = (struct inputs){NULL, 0, 0};
}
