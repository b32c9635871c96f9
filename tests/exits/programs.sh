# Sourced by run.sh: compiled programs.
cat >net.cnn <<'CNN'
model net {
  input(8, 8, 3)
  conv(16, 3) -> relu -> conv(16, 3) -> relu -> flatten -> dense(10)
}
data {
  format = npy
  path = "."
  train = ["x.npy", "y.npy"]
  test = ["x.npy", "y.npy"]
}
train {
  loss = cross_entropy
  optimizer = sgd(lr=0.001)
}
CNN
python3 - <<'PY'
import struct
def npy(name, kind, shape, data):
    header = ("{'descr': '%s', 'fortran_order': False, 'shape': %s}" % (kind, shape)).encode()
    header += b" " * (117 - len(header)) + b"\n"
    open(name, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
n = 20000
npy("x.npy", "|u1", f"({n}, 8, 8, 3)", bytes(i * 7 % 251 for i in range(192)) * n)
npy("y.npy", "|u1", f"({n},)", bytes(i % 10 for i in range(n)))
npy("five.npy", "<f4", "(5, 8, 8, 3)", struct.pack("<960f", *(i % 97 / 97 for i in range(960))))
npy("targets.npy", "<i4", "(5,)", struct.pack("<5i", 1, 2, 3, 4, 5))
PY
check "the program compiles" "$CNNC" --gradcheck net.cnn -o net
check "its weights" ./net init --output net.safetensors
cp net.safetensors kept.safetensors

SIGNALS="INT TERM HUP QUIT USR1 USR2 ALRM VTALRM PROF XCPU IO PWR STKFLT RTMIN RTMAX"
set -m
mkdir pipes && mkfifo pipes/x.npy && cp y.npy pipes/
# While data are read from a pipe that nobody writes to, there is nothing to save, and the first signal ends the program.
for signal in $SIGNALS; do
    exec 9<>pipes/x.npy
    ./net train --data pipes --save saved.safetensors >out 2>err 9>&- &
    process=$!
    waits_for reads x.npy $process
    ends 130 "train reads" "$signal" $process
    exec 9>&-
    [ -e saved.safetensors ] && fail "train reads, $signal" "it saved" || pass
    no_temporaries "train reads, $signal"
done
# While it trains, the first signal saves what was trained.
for signal in $SIGNALS; do
    rm -f saved.safetensors
    ./net train --epochs 100000 --quiet --log log.jsonl --save saved.safetensors >out 2>err &
    process=$!
    waits_for test -s log.jsonl
    LATENCY=3000 ends 130 "train" "$signal" $process
    check "train, $signal: what it saved" ./net run --weights saved.safetensors --input five.npy --output result.npy
    no_temporaries "train, $signal"
    rm -f log.jsonl
done
# Saving into a pipe that nobody reads.
mkfifo slow.safetensors
for verb in init train; do
    case $verb in
    init) ./net init --output slow.safetensors >out 2>err & ;;
    train) ./net train --epochs 0 --save slow.safetensors >out 2>err & ;;
    esac
    process=$!
    sleep 0.3
    ends 130 "$verb into a pipe" TERM $process
done
set +m
sh -c 'trap "" HUP USR1; kill -s HUP $$; exec ./net train --epochs 1 --limit 64 --quiet --save saved.safetensors' >out 2>err
is "HUP ignored as under nohup" $? 0

# Closed streams: no file takes their numbers.
rm -f log.jsonl
./net train --epochs 2 --limit 640 --log log.jsonl --save saved.safetensors >&- 2>"$WORK/err"
is "train without a standard output" $? 4
check "its log is of objects alone" python3 -c 'import json; print([json.loads(line) for line in open("log.jsonl")])'
check "what it saved" ./net run --weights saved.safetensors --input five.npy --output result.npy
for closed in '<&-' '2>&-' '<&- 2>&-' '<&- >/dev/null 2>&-'; do
    eval "./net run --weights net.safetensors --input five.npy --output result.npy $closed"
    is "run, closed: $closed" $? 0
    eval "./net train --epochs 1 --limit 64 --quiet --log log.jsonl --save saved.safetensors $closed"
    is "train, closed: $closed" $? 0
    check "train, closed: $closed: its log" python3 -c 'import json; print([json.loads(line) for line in open("log.jsonl")])'
done
for verb in "summary" "summary --json" "eval --weights net.safetensors" "--help" "--version" "gradcheck --samples 1"; do
    ./net $verb >/dev/full 2>"$WORK/err"
    is "$verb to a full device" $? 4
done

# Limits. An older file stays as it was.
verbs=("train --epochs 1 --limit 64 --quiet --save kept.safetensors" "init --output kept.safetensors"
    "gradients --weights net.safetensors --input five.npy --target targets.npy --output kept.safetensors"
    "run --weights net.safetensors --input five.npy --output kept.safetensors"
    "eval --weights net.safetensors" "gradcheck --samples 1" "bench --seconds 0.01 --threads 1" "summary")
cp net.safetensors kept.safetensors
for verb in "${verbs[@]}"; do
    for limit in "f 0" "n 4" "v 9000" "v 12000" "v 16000" "s 128" "t 0"; do
        [ -n "$SANITIZE" ] && [[ $limit =~ ^(v|s) ]] && continue
        [ "$limit" = "t 0" ] && limit="S -t 1"
        (eval "ulimit -$limit" 2>/dev/null; exec ./net $verb) >"$WORK/out" 2>"$WORK/err"
        status=$?
        case $status in
        0 | 4 | 5) pass ;;
        # A standard error that goes to a file is under the limit, too.
        *) fail "$verb, ulimit -$limit" "exit $status" "$(cat "$WORK/err")" ;;
        esac
        [ $status -eq 0 ] || same "$verb, ulimit -$limit: the older file" net.safetensors kept.safetensors
        no_temporaries "$verb, ulimit -$limit"
        cp net.safetensors kept.safetensors
    done
done
if [ -z "$SANITIZE" ]; then
    (ulimit -S -t 1; exec ./net train --epochs 100000 --threads 1 --quiet --save saved.safetensors) >out 2>err
    is "train, ulimit -t" $? 130
    check "train, ulimit -t: what it saved" ./net run --weights saved.safetensors --input five.npy --output result.npy
fi
