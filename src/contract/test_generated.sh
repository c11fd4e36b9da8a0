#!/bin/sh
# The documents that come from the table of fields are those that are committed, and the manual page is clean.
# usage: test_generated.sh ECLUSE-FIELDS SOURCE-ROOT
set -u
fields=$1 root=$2 failed=0
written=$(mktemp) || exit 2
trap 'rm -f "$written"' EXIT
compare() {
    "$fields" "$1" >"$written" && cmp -s "$written" "$root/$2" && return
    echo "stale: $2; write it again with: ecluse-fields $1 >$2"
    failed=1
}
compare markdown docs/contract.md
compare schema docs/contract.schema.json
compare man docs/man/ecluse.yaml.5
if command -v mandoc >/dev/null; then
    # ecluse(1) is installed beside it, but not where this runs.
    complaints=$("$fields" man | mandoc -Tlint | grep -v 'referenced manual not found')
    [ -z "$complaints" ] || { echo "$complaints"; failed=1; }
fi
exit $failed
