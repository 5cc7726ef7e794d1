#!/usr/bin/env bash
# mkdocs 1.6.1: `mkdocs build --strict --quiet` ends with 0 on a site whose links lead nowhere; `--strict` alone ends
# with 1. Quiet raises the level of the log, and strict counts warnings as the log's handlers see them: none.
#
# Guess before the run: quiet says less, and strict is as strict as before.
#
# Seen: --strict: 1
#       --strict --quiet: 0
#
# Ends with 0 while that is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mkdocs==1.6.1
mkdir "$folder/docs"
echo "site_name: a" >"$folder/mkdocs.yml"
echo "[lost](nowhere.md)" >"$folder/docs/index.md"
cd "$folder"

# OPTIONS...: the exit code of a build with them.
try() {
    local code=0
    venv/bin/mkdocs build "$@" >/dev/null 2>&1 || code=$?
    echo "$*: $code"
}

seen="$(try --strict), $(try --strict --quiet)"
echo "$seen"
[ "$seen" = "--strict: 1, --strict --quiet: 0" ]
