# Sourced by run.sh: the compiler.
cat >small.cnn <<'CNN'
model small {
  input(6, 6, 2)
  conv(4, 3) -> relu -> flatten -> dense(3)
}
CNN
# Many layers, no two of which share a kernel: its code is made for seconds.
{
    echo 'model large {'
    echo '  input(64, 64, 3)'
    for ((i = 1; i <= 60; i++)); do echo "  conv($((i + 8)), 3, padding=same) -> relu"; done
    echo '  flatten -> dense(3)'
    echo '}'
    echo 'train { loss = cross_entropy }'
    echo 'data { format = npy'
    echo '  path = "."'
    echo '  train = ["x.npy", "y.npy"] }'
} >large.cnn

# keeps NAME: the older program is there still, nothing temporary beside it.
older() { printf 'older' >program; }
keeps() { is "$1: the older program" "$(cat program)" older; no_temporaries "$1"; }

# linker NAME BODY: a linker of ours; the output's name is the last argument.
linker() {
    printf '#!/bin/bash\noutput=${!#}\nobject=$1\n%s\n' "$2" >"$1"
    chmod +x "$1"
}
compile_with() { CC="./$1" "$CNNC" small.cnn -o program; }
real=${CC:-cc}

# Linkers that fail, or say that they did not.
lies() {
    linker "$1" "$2"
    older
    expect 4 "$1" compile_with "$1"
    says "$1" "$3"
    is "$1: one line" "$(wc -l <"$WORK/err")" "${4:-1}"
    keeps "$1"
}
lies fails 'exit 1' "the linker ./fails failed"
lies killed 'kill -KILL $$' "killed by a signal"
lies nothing 'exit 0' "an empty file"
lies unlinks 'rm -f "$output"' "no file"
lies script 'printf "#!/bin/sh\n" >"$output"' "no program"
lies object 'cp "$object" "$output"' "an object, not a program"
lies library "$real -shared -o \"\$output\" -x c /dev/null" "a library, not a program"
lies cut "$real \"\$@\" && head -c 100 \"\$output\" >cut.part && mv cut.part \"\$output\"" "cut short"
lies other "$real \"\$@\" && printf '\\267' | dd of=\"\$output\" bs=1 seek=18 conv=notrunc status=none" "another machine"
older
expect 4 "true as a linker" env CC=true "$CNNC" small.cnn -o program
says "true as a linker" "an empty file"
keeps "true as a linker"
linker loud 'yes | head -c 1000000; yes | head -c 1000000 >&2; exit 1'
older
expect 4 "a loud linker" compile_with loud
keeps "a loud linker"
linker streams "exec <&- >&- 2>&-; $real \"\$@\""
check "a linker that closes streams" compile_with streams
check "the program" ./program summary

# Signals, in every phase. The source is a pipe that nobody writes to; the linker hangs; code is made.
SIGNALS="INT TERM HUP QUIT USR1 USR2 ALRM VTALRM PROF XCPU IO PWR STKFLT RTMIN RTMAX"
mkfifo pipe.cnn
# Job control lets processes in the background have the signals of a terminal.
set -m
while_reading() {
    exec 9<>pipe.cnn
    "$CNNC" pipe.cnn -o program 2>"$WORK/err" 9>&- &
    waits_for reads pipe.cnn $!
    ends 130 "while reading" "$1" $!
    exec 9>&-
}
linker hangs 'echo $$ >linker.pid; trap "" TERM; sleep 60'
while_linking() {
    rm -f linker.pid
    CC=./hangs "$CNNC" small.cnn -o program 2>"$WORK/err" &
    waits_for test -s linker.pid
    ends 130 "while linking" "$1" $!
    waits_for eval '! kill -0 "$(cat linker.pid)"' || fail "while linking, $1" "the linker still runs"
}
while_generating() {
    rm -f phases
    "$CNNC" large.cnn -o program --time-phases 2>phases &
    waits_for grep -q "$2" phases
    ends 130 "while generating, after $2" "$1" $!
}
for signal in $SIGNALS; do
    older
    while_reading "$signal"
    keeps "while reading, $signal"
done
for signal in INT TERM HUP; do
    older
    while_linking "$signal"
    keeps "while linking, $signal"
    for phase in elaborate passes emit optimize; do
        while_generating "$signal" "$phase"
        keeps "after $phase, $signal"
    done
done
older
while_generating XCPU passes
keeps "after passes, XCPU"
# What was ignored at the start stays so.
exec 9<>pipe.cnn
(trap '' HUP; exec "$CNNC" pipe.cnn -o program) 2>"$WORK/err" 9>&- &
waits_for reads pipe.cnn $!
kill -s HUP $!
sleep 0.05
cat small.cnn >&9
exec 9>&-
wait $!
is "HUP ignored as under nohup" $? 0
set +m

# A stream that is closed takes no file's number; one that is full is told of.
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    rm -f program
    eval "\"\$CNNC\" small.cnn -o program $closed"
    is "closed: $closed" $? 0
    check "closed: $closed: the program" ./program summary
done
eval '"$CNNC" --check small.cnn >&- 2>"$WORK/err"'
is "--check without a standard output" $? 4
for command in "--check small.cnn" "--check --format=json small.cnn" "--help" "explain E0100" "--version" "--print-passes"; do
    "$CNNC" $command >/dev/full 2>"$WORK/err"
    is "$command to /dev/full" $? 4
    says "$command to /dev/full" "cannot write to standard output"
done
"$CNNC" --check small.cnn 2>"$WORK/err" | true
is "a pipe that nobody reads" "${PIPESTATUS[0]/4/0}" 0

# Limits.
if [ -z "$SANITIZE" ]; then # a sanitizer wants terabytes of addresses
    for limit in 220000 260000 300000 340000 400000; do
        older
        (ulimit -v $limit; exec "$CNNC" large.cnn -o program) >out 2>"$WORK/err"
        is "ulimit -v $limit" $? 5
        is "ulimit -v $limit: one line" "$(wc -l <"$WORK/err")" 1
        keeps "ulimit -v $limit"
    done
    older
    (ulimit -s 256; exec "$CNNC" small.cnn -o program) 2>"$WORK/err"
    is "ulimit -s 256" $? 0
fi
for limit in 0 1 8 100; do
    older
    (ulimit -f $limit; exec "$CNNC" small.cnn -o program) >/dev/null 2>/dev/null
    is "ulimit -f $limit" $? 4
    [ $limit -eq 0 ] || no_temporaries "ulimit -f $limit"
    is "ulimit -f $limit: the older program" "$(cat program)" older
done
older
(ulimit -n 4; exec "$CNNC" small.cnn -o program) >out 2>"$WORK/err"
is "ulimit -n 4" $? 4
keeps "ulimit -n 4"
if [ "$(id -u)" -ne 0 ]; then
    (ulimit -u 1; exec "$CNNC" small.cnn -o program) >out 2>"$WORK/err"
    status=$?
    [ $status -eq 4 ] || [ $status -eq 5 ] && pass || fail "ulimit -u 1" "exit $status"
    keeps "ulimit -u 1"
fi
older
(ulimit -S -t 1; exec "$CNNC" --emit=obj large.cnn -o program) >out 2>"$WORK/err"
is "ulimit -t 1" $? 130
keeps "ulimit -t 1"
