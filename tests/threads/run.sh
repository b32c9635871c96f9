#!/bin/bash
# The same seed and batch give the same bits with any number of threads; also the part that runs under the thread
# sanitizer. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
mkdir letters && "$GENERATORS/x_or_o" letters

# deterministic NAME MODEL-FILE TRAIN-OPTIONS...: $epochs of them
epochs=1
deterministic() {
    local name=$1 model=$2 threads
    shift 2
    check "$name compiles" "$CNNC" "$model" -o "$name" || return
    for threads in 1 2 3 8; do
        check "$name trains with $threads" ./"$name" train "$@" --epochs $epochs --quiet --threads $threads \
            --save "$name.$threads.safetensors"
    done
    for threads in 2 3 8; do
        same "$name: 1 and $threads threads" "$name.1.safetensors" "$name.$threads.safetensors"
    done
    for threads in 1 2 3; do
        check "$name evaluates with $threads" ./"$name" eval --weights "$name.1.safetensors" "${data[@]}" --json --threads $threads
        cp out "$name.eval.$threads"
    done
    same "$name: eval of 1 and 2 threads" "$name.eval.1" "$name.eval.2"
    same "$name: eval of 1 and 3 threads" "$name.eval.1" "$name.eval.3"
}

data=(--data letters)
deterministic x_or_o "$ROOT/examples/x_or_o.cnn" --data letters --limit 317
cat >normed.cnn <<'CNN'
model normed {
  input(9, 9, 1)
  conv(8, 3, bias=false) -> batchnorm -> relu
  skip = it
  conv(8, 3, padding=same) -> add(skip) -> dropout(0.3) -> maxpool(2)
  flatten
  dense(2)
}
CNN
sed -n '/^data {/,$p' "$ROOT/examples/x_or_o.cnn" >>normed.cnn
deterministic normed normed.cnn --data letters --limit 333 --batch 33

# A single sample: the threads share each large layer, by its rows, its tiles, its channels or its panels of filters; some layers have another
# kernel than in a batch, so that the results differ from those by rounding.
# split NAME SHAPE LAYERS...
split() {
    local name=$1 shape=$2 strict
    printf 'model %s {\n  input(%s)\n  %s\n}\n' "$name" "$shape" "$3" >"$name.cnn"
    python3 - "$name.npy" "$shape" <<'PY'
import sys
import numpy
shape = [1] + [int(n) for n in sys.argv[2].split(",")]
sample = numpy.random.default_rng(1).normal(size=shape).astype("f4")
numpy.save(sys.argv[1], sample)
numpy.save(sys.argv[1].replace(".npy", ".batch.npy"), numpy.concatenate([sample / 2, sample, -sample]))
PY
    for strict in "" --strict; do
        check "$name compiles $strict" "$CNNC" $strict "$name.cnn" -o "$name" || return
        check "$name has weights" ./"$name" init --output "$name.safetensors"
        for threads in 1 2 3; do
            check "$name runs with $threads" ./"$name" run --weights "$name.safetensors" --input "$name.npy" \
                --output "$name.$threads.npy" --threads $threads
        done
        same "$name $strict: 1 and 2 threads" "$name.1.npy" "$name.2.npy"
        same "$name $strict: 1 and 3 threads" "$name.1.npy" "$name.3.npy"
        check "$name $strict: runs in a batch" ./"$name" run --weights "$name.safetensors" --input "$name.batch.npy" \
            --output "$name.batch.out.npy"
        # Winograd's bound is 1e-5 of the sum of the products' sizes, which are some ten times their sum.
        check "$name $strict: the same in a batch" python3 - "$name.1.npy" "$name.batch.out.npy" \
            "$([ -n "$strict" ] && echo 2e-6 || echo 1e-4)" <<'PY'
import sys
import numpy
one, batch = numpy.load(sys.argv[1])[0], numpy.load(sys.argv[2])[1]
sys.exit(not abs(one - batch).max() <= float(sys.argv[3]) * abs(batch).max())
PY
    done
}
split by_rows 37,41,5 'conv(24, 5) -> conv(30, 3, padding=same, activation=relu)'
split by_panels 7,9,70 'conv(150, 3, padding=same) -> conv(200, 1) -> conv(33, 3, activation=tanh)'
split signal 700,6 'conv(64, 9) -> conv(140, 3, stride=2)'
split volume 9,10,11,4 'conv(20, 3) -> conv(100, 2, groups=2)'
split small 5,5,64 'conv(64, 3, activation=relu) -> conv(256, 3, padding=same) -> flatten -> dense(300) -> dense(77, activation=relu) -> dense(9)'
split by_channels 41,37,24 'depthwise(5, padding=same, activation=relu) -> depthwise(3, stride=2, multiplier=1) -> conv(70, 1) -> depthwise(3)'
split wide 70,3 'flatten -> dense(999) -> dense(31) -> dense(1001, bias=false) -> dense(16)'

# Several layers whose weights are packed anew, by several workers, after each of many steps.
cat >packed.cnn <<'CNN'
model packed {
  input(9, 9, 1)
  conv(16, 3, padding=same, activation=relu)
  conv(16, 3, padding=same, activation=relu)
  conv(24, 3, activation=relu) -> conv(16, 3)
  flatten -> dense(32, activation=relu)
  dense(2)
}
CNN
sed -n '/^data {/,$p' "$ROOT/examples/x_or_o.cnn" >>packed.cnn
epochs=3
deterministic packed packed.cnn --data letters --lr 0.02 --limit 250 --batch 16 --shuffle off
deterministic packed packed.cnn --data letters --lr 0.02 --limit 250 --batch 16 --shuffle on

# Batches that workers copy while the one before is trained, or stay where they are because nobody has the time: floats, several targets a
# sample, dropout, which draws by a sample's number; bytes.
cat >copied.cnn <<'CNN'
model copied {
  input(24, 24, 3)
  conv(4, 3, stride=2, activation=relu)
  dropout(0.3) -> flatten -> dense(5)
}
data { format = npy; train = ["x.npy", "y.npy"]; test = ["x.npy", "y.npy"]; validation = 0.1 }
train { loss = mse; optimizer = sgd(lr=0.01); epochs = 2; batch = 32 }
CNN
sed 's/model copied/model copied_bytes/; s/x.npy/bytes.npy/g; s/format = npy/format = npy; scale = 1\/255/' copied.cnn >copied_bytes.cnn
check "batches to copy" python3 -c '
import numpy, os
random = numpy.random.default_rng(1)
os.mkdir("batches")
numpy.save("batches/x.npy", random.normal(size=(250, 24, 24, 3)).astype("f4"))
numpy.save("batches/bytes.npy", random.integers(0, 256, size=(250, 24, 24, 3)).astype("u1"))
numpy.save("batches/y.npy", random.normal(size=(250, 5)).astype("f4"))'
data=(--data batches)
deterministic copied copied.cnn --data batches
deterministic copied copied.cnn --data batches --batch 70 --shuffle off
deterministic copied_bytes copied_bytes.cnn --data batches --batch 8
data=(--data letters)

# More threads than processors wait asleep: they take hardly more processor time than as many threads as there are processors.
if [ -z "$SANITIZE" ]; then
    check "waiting threads" python3 -c '
import os, resource, subprocess
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
def spent(threads):
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["./packed", "train", "--data", "letters", "--lr", "0.01", "--epochs", "10", "--quiet",
                        "--save", "waiting.safetensors", "--threads", str(threads)], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)
two = spent(2)
for threads in 3, 8:
    assert spent(threads) < 1.5 * two, f"{threads} threads: {spent(threads)} s, two threads {two} s"'
fi

# The letters are learned to the last one.
if [ -z "$SANITIZE" ]; then
    check "x_or_o trains" ./x_or_o train --data letters --epochs 10 --quiet --save learned.safetensors &&
        expect 0 "x_or_o evaluates" ./x_or_o eval --data letters --weights learned.safetensors --json
    prints "every letter is known" '"accuracy": 1'
fi
finish
