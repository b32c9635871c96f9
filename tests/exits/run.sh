#!/usr/bin/env bash
# The ways out of both programs: limits, signals, closed and full streams, linkers that lie. What is asserted is the
# status, the message, that nothing temporary is left and that the older output is as it was. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"

# no_temporaries NAME: nothing is left in the current folder that only a running program needs.
no_temporaries() {
    local left
    left=$(find . -name '*.tmp' -o -name '.cnn*')
    [ -z "$left" ] && pass || { fail "$1" "left behind: $left"; rm -f $left; }
}

# ends STATUS NAME SIGNAL PID: the process ends with that status within a second of the signal. Tells the same of a shell's $?.
ends() {
    local wanted=$1 name=$2 signal=$3 process=$4 status begin took
    begin=$(date +%s%N)
    kill -s "$signal" "$process" 2>/dev/null
    wait "$process"
    status=$?
    took=$((($(date +%s%N) - begin) / 1000000))
    is "$name, $signal" "$status" "$wanted"
    [ "$took" -le "${LATENCY:-1000}" ] && pass || fail "$name, $signal" "it took $took ms"
}

# reads PIPE PID: the process has the pipe open. Whoever starts it opens the pipe both ways before, on a descriptor that the process does
# not get: so neither of the two ever waits for the other to open it.
reads() { ls -l "/proc/$2/fd" 2>/dev/null | grep -q "$1"; }

# waits_for COMMAND...: until it succeeds, ten seconds at most.
waits_for() {
    local i
    for ((i = 0; i < 1000; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.01; done
    return 1
}

# Whoever runs the tests may have files open that the programs are not to count.
for file in /proc/self/fd/*; do
    [ "${file##*/}" -le 2 ] || [ "${file##*/}" -ge 200 ] || eval "exec ${file##*/}>&-"
done

for part in "$HERE"/*.sh; do
    [ "$part" = "$HERE/run.sh" ] && continue
    mkdir "$(basename "$part" .sh)" && cd "$(basename "$part" .sh)" || exit 1
    . "$part"
    cd "$WORK" || exit 1
done
finish
