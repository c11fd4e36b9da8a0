/* ecluse-fields: the reference page, the JSON Schema and the manual page of the contract, from the
 * table in fields.h and the rules in check.h. Run by the build; what it writes is committed, and a
 * test fails when it is stale. */
#include "contract/fields_page.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "markdown") == 0)
        fields_markdown(stdout);
    else if (argc == 2 && strcmp(argv[1], "schema") == 0)
        fields_schema(stdout);
    else if (argc == 2 && strcmp(argv[1], "man") == 0)
        fields_manual(stdout);
    else
        return fputs("usage: ecluse-fields markdown|schema|man\n", stderr), 2;
    return fflush(stdout) || ferror(stdout) ? 2 : 0;
}
