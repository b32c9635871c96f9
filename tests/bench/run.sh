#!/bin/bash
# The nets of the benchmark stay valid models that can be trained; nothing is timed. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"

for net in "$ROOT"/tests/bench/nets/*.cnn; do
    name=$(basename "$net")
    check "$name checks" "$CNNC" --check "$net"
    check "$name is formatted" "$CNNC" fmt --check "$net"
    check "$name can be trained" grep -q '^train {' "$net"
done

# Every net that compare.py names is there.
while read -r source; do
    check "$source checks" "$CNNC" --check "$ROOT/$source"
done < <(PYTHONPATH=$HERE python3 -c 'from nets import *; print(*(net.source for net in [*NETS.values(), FASHION]), sep="\n")')
finish
