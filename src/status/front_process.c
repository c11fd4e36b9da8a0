#include "status/front_process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE  "/ngx_http_ecluse_module"
#define SEGMENT "/front.segment"

static bool file_says(const char *proc, const char *pid, const char *name, const char *word)
{
    char path[512], line[4096];
    int length = snprintf(path, sizeof path, "%s/%s/%s", proc, pid, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return false;
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return false; /* gone, or not ours to look into */
    bool says = false;
    while (!says && fgets(line, sizeof line, in))
        says = strstr(line, word) != NULL;
    fclose(in);
    return says;
}

/* The master of nginx answers nobody and maps no segment; nor do its cache's processes. */
static bool answers(const char *proc, const char *pid)
{
    return !file_says(proc, pid, "cmdline", "nginx: ") ||
           file_says(proc, pid, "cmdline", "nginx: worker process");
}

pid_t front_process_find(const char *proc)
{
    DIR *directory = opendir(proc);
    const struct dirent *entry;
    pid_t found = 0;
    while (directory && !found && (entry = readdir(directory)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) &&
            file_says(proc, entry->d_name, "comm", "nginx") &&
            answers(proc, entry->d_name) && file_says(proc, entry->d_name, "maps", MODULE) &&
            !file_says(proc, entry->d_name, "maps", SEGMENT))
            found = atoi(entry->d_name);
    if (directory)
        closedir(directory);
    return found;
}
