#include "status/front_process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE "/ngx_http_ecluse_module"

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

pid_t front_process_find(const char *proc)
{
    DIR *directory = opendir(proc);
    const struct dirent *entry;
    pid_t found = 0;
    while (directory && !found && (entry = readdir(directory)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) &&
            file_says(proc, entry->d_name, "comm", "nginx") &&
            file_says(proc, entry->d_name, "maps", MODULE))
            found = atoi(entry->d_name);
    if (directory)
        closedir(directory);
    return found;
}
