#!/bin/bash
# Both programs' options, outputs and exit codes. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
for part in "$HERE"/[a-z]*.sh; do
    [ "$part" = "$HERE/run.sh" ] || . "$part"
done
finish
