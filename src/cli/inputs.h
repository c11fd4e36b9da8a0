/* inputs.h: the files that a command reads: all opened first, with the rights of whoever asked,
 * since later we may not. */
#ifndef ECLUSE_INPUTS_H
#define ECLUSE_INPUTS_H

#include "cli/cli.h"

struct input {
    const char *name;
    int descriptor;
};

struct inputs {
    struct input *input;
    size_t count;
    uint64_t total; /* bytes of all; 0 when one of them is no file */
};

/* The operands of a command, - or none being standard input. Returns EXIT_DONE, or EXIT_COULD_NOT
 * when everything has been said; inputs_close() either way. */
int inputs_open(const struct arguments *a, bool json, struct inputs *out);
void inputs_close(struct inputs *inputs);

#endif
