#include "cli/check_files.h"

#include "cli/output.h"
#include "files/files.h"

#include <errno.h>
#include <string.h>

/* ---- What of files could be lost for good ---------------------------------------------------- */

static const char *place_in_french(int code)
{
    switch (code) {
    case -EBUSY:
        return "il se trouve sur le système de fichiers de `/`, de `state` ou de `runtime`, où "
               "tout attendrait la garde ; donnez-lui un système de fichiers à lui (une partition, "
               "un volume ou un fichier image), monté à cet endroit";
    case -EXDEV:
        return "aucun système de fichiers n’est monté à cet endroit ; montez-y celui du partage";
    case -EEXIST:
        return "il se trouve sur le système de fichiers d’un autre partage ; n’en déclarez qu’un";
    default:
        return "ce système de fichiers ne peut être gardé d’ici ; gardez-le sur la machine qui a "
               "le disque, sur XFS ou btrfs (ou ext4, sans reflinks)";
    }
}

/* Whether the guard would refuse its place, so that nothing of it is kept. What is not mounted yet,
 * or cannot be looked into by who asks, is no mistake of the contract. */
static bool unguarded_line(const struct contract *c, unsigned share, enum language language,
                           char *out, size_t size)
{
    struct error error = {""};
    int code = files_place_check(c, share, &error);
    if (code != -EBUSY && code != -EXDEV && code != -EEXIST && code != -EOPNOTSUPP)
        return false;
    if (language == LANGUAGE_FR)
        snprintf(out, size, "- ATTENTION, partage %s : non gardé, et rien n’en est conservé : %s.",
                 c->share[share].name, place_in_french(code));
    else
        snprintf(out, size, "- WARNING, not guarded, and nothing of it is kept: %s.", error.text);
    return true;
}

/* A sentence a share: what its file system lets the vault keep. */
static void vault_line(const struct contract *c, unsigned at, enum language language, char *out,
                       size_t size)
{
    const struct share_rule *share = &c->share[at];
    enum vault_kind kind;
    char most[FIGURE_SIZE];
    bool french = language == LANGUAGE_FR;
    if (unguarded_line(c, at, language, out, size))
        return;
    int tried = vault_probe(share->path, &kind);
    if (tried < 0)
        snprintf(out, size,
                 french ? "- partage %s : ce que le coffre y garde ne peut être vérifié ici (%s)."
                        : "- share %s: what the vault keeps there cannot be checked here (%s).",
                 share->name, strerror(-tried));
    else if (kind == VAULT_CLONES)
        snprintf(out, size,
                 french ? "- partage %s : la dernière version de chaque fichier est gardée. PERDUE "
                          "serait celle d’un fichier de plus de %s tronqué par son nom moins d’une "
                          "demi-seconde après sa fermeture, ou enregistré puis détruit pendant "
                          "que la garde est arrêtée."
                        : "- share %s: the last version of every file is kept. LOST would be that "
                          "of a file over %s that is truncated by its name within half a second of "
                          "being closed, or that is saved and destroyed while the guard is down.",
                 share->name, figure_bytes(VAULT_READ_MOST, most));
    else
        snprintf(out, size,
                 french ? "- partage %s : système de fichiers sans reflinks. Un fichier de %s au "
                          "plus est copié avant d’être réécrit ; PERDUS seraient les plus grands, "
                          "et ce qui est supprimé, remplacé par renommage ou tronqué par son nom."
                        : "- share %s: a file system without reflinks. A file of at most %s is "
                          "copied before it is rewritten; LOST would be larger ones, and what is "
                          "removed, renamed over or truncated by its name.",
                 share->name, figure_bytes(share->copy_up_to, most));
}

json_t *check_vaults_json(const struct contract *c, enum language language)
{
    json_t *list = json_array();
    char line[800];
    for (uint32_t i = 0; i < c->share_count; i++) {
        vault_line(c, i, language, line, sizeof line);
        json_array_append_new(list, json_safe(line));
    }
    return list;
}

void check_vaults_print(const struct contract *c, enum language language)
{
    char line[800];
    if (c->share_count)
        puts(language == LANGUAGE_FR ? "\nCe que les coffres gardent des fichiers\u00a0:"
                                     : "\nWhat the vaults keep of files:");
    for (uint32_t i = 0; i < c->share_count; i++) {
        vault_line(c, i, language, line, sizeof line);
        puts(line);
    }
}

/* ---- What was open before -------------------------------------------------------------------- */

static bool guard_runs(const struct contract *c)
{
    struct files_state state;
    return c->share_count && files_state_read(c->runtime, &state) == 0 &&
           clock_boot() - state.heartbeat < FILES_SILENT_AFTER;
}

static void add_to_list(void *context, int process, const char *path)
{
    json_array_append_new(context,
                          json_pack("{s:i,s:o}", "process", process, "path", json_safe(path)));
}

json_t *check_opened_json(const struct contract *c)
{
    json_t *list = json_array();
    if (guard_runs(c))
        (void)files_opened(c->runtime, add_to_list, list);
    return list;
}

static void add_to_table(void *context, int process, const char *path)
{
    table_row(context);
    table_cell(context, TONE_PLAIN, "%d", process);
    table_cell(context, TONE_PLAIN, "%s", path);
}

void check_opened_print(const struct contract *c, enum language language)
{
    static const char *const titles[][2] = {{">process", "file"}, {">processus", "fichier"}};
    bool french = language == LANGUAGE_FR;
    struct table table = table_of(2, titles[french]);
    if (!guard_runs(c) || files_opened(c->runtime, add_to_table, &table) <= 0)
        return;
    puts(french ? "\nOuverts en écriture avant la garde (relancez ces programmes)\u00a0:"
                : "\nOpen for writing since before the guard began (restart these programs):");
    table_print(&table, stdout);
}
