# The compiled model: verbs, options, outputs, exit codes.

M=./tiny
expect 0 "help" $M --help && prints "help" "train"
expect 0 "help of a verb" $M train --help
expect 2 "no verb" $M

# The table of verbs: --help lists just those that are built, each has a page of its own, a test and a word in the README.
sed -n 's/^VERB(\(.*\))$/\1/p' "$ROOT/runtime/verbs/verbs.def" >verbs
expect 0 "help" $M --help && is "help lists every verb" "$(sed -n 's/^  \([a-z-]*\) .*/\1/p' out)" "$(cat verbs)"
while read -r verb; do
    expect 0 "help of $verb" $M "$verb" --help && prints "help of $verb" "usage: tiny $verb [options]"
    check "a test of the verb $verb" grep -q "^expect 0 .*\$M $verb\|./checked $verb" "$HERE"/c_program.sh "$HERE"/d_gradcheck.sh
    check "runtime/README.md names the verb $verb" grep -q "\`$verb\`" "$ROOT/runtime/README.md"
done <verbs
expect 2 "unknown verb" $M trian && says "unknown verb" "train"
expect 2 "unknown option" $M train --epoch 3 && says "unknown option" "--epochs"
expect 2 "no number" $M train --epochs many
expect 2 "an option for a value" $M train --epochs --epochs 3 && says "an option for a value" "the option --epochs was found"
expect 2 "a batch of none" $M train --batch 0
expect 2 "no weights" $M eval
expect 4 "missing weights" $M eval --weights missing.safetensors && says "missing weights" "missing.safetensors"
expect 4 "missing data" $M train --data nowhere

# A whole life.
expect 0 "init" $M init --output w.safetensors
expect 0 "init of a seed" $M init --seed 2 --output w2.safetensors && differs "seeds differ" w.safetensors w2.safetensors
expect 0 "init again" $M init --output w3.safetensors && same "the same seed" w.safetensors w3.safetensors
expect 0 "train" $M train --epochs 8 --log log.jsonl --threads 2
prints "a line an epoch" "epoch 8/8" || :
check "weights are called after the model" test -s tiny.safetensors
check "the log" python3 -c '
import json
lines = [json.loads(line) for line in open("log.jsonl")]
assert [line["epoch"] for line in lines] == list(range(1, 9)), lines
assert lines[-1]["loss"] < lines[0]["loss"] and abs(lines[0]["lr"] - 0.05) < 1e-6, lines
assert set(lines[0]) >= {"epoch", "loss", "accuracy", "lr", "seconds", "samples_per_second"}, lines[0]'
expect 0 "eval" $M eval --weights tiny.safetensors
expect 0 "eval --json" $M eval --weights tiny.safetensors --json --confusion &&
    check "eval's JSON" python3 -c '
import json
e = json.load(open("last"))
assert e["samples"] == 20 and e["accuracy"] == 1 and e["confusion"] == [[10, 0], [0, 10]], e'
expect 0 "eval --confusion" $M eval --weights w2.safetensors --confusion && cp out confusion &&
    $M eval --weights w2.safetensors --json >out && check "the confusion in both forms" python3 -c '
import json, re
lines = open("confusion").read().splitlines()
at = next(i for i, line in enumerate(lines) if line.startswith("confusion: "))
rows = [[int(word) for word in line.split()[1:]] for line in lines[at + 2:]]
assert rows == json.load(open("last"))["confusion"] and rows[0] != rows[1], rows
assert [line.split()[0] for line in lines[at + 2:]] == ["dark", "light"], lines'
expect 0 "predict" $M predict --weights tiny.safetensors light.pgm && prints "predict" "light"
expect 0 "predict --json" $M predict --weights tiny.safetensors --json --top 2 light.pgm light.pgm &&
    check "predict's JSON" python3 -c '
import json
lines = [json.loads(line) for line in open("last")]
assert len(lines) == 2 and lines[0]["class"] == 1 and lines[0]["label"] == "light", lines
assert lines[0]["file"] == "light.pgm" and len(lines[0]["top"]) == 2 and lines[0]["probability"] > 0.5, lines'
expect 3 "an image of another size" $M predict --weights tiny.safetensors wide.pgm
expect 4 "an image that is missing" $M predict --weights tiny.safetensors missing.pgm
expect 3 "images behind one that does not fit" $M predict --weights tiny.safetensors light.pgm wide.pgm light.pgm &&
    says "images behind one that does not fit" "wide.pgm" && check "they are done" test "$(grep -c light.pgm out)" = 2
expect 2 "no image" $M predict --weights tiny.safetensors
expect 0 "run" $M run --weights tiny.safetensors --input x.npy --output y.npy &&
    check "run's output" python3 -c '
import numpy as np
y = np.load("y.npy")
assert y.shape == (3, 2) and y.dtype == np.float32 and np.allclose(y.sum(1), 1, atol=1e-6), y'
expect 0 "run --layer" $M run --weights tiny.safetensors --input x.npy --output y.npy --layer conv_1 &&
    check "the layer" python3 -c '
import numpy as np
y = np.load("y.npy")
assert y.shape == (3, 4, 4, 4) and y.min() >= 0 < y.max(), y.shape'
expect 2 "unknown layer" $M run --weights tiny.safetensors --input x.npy --output y.npy --layer conv_9
expect 0 "gradients" $M gradients --weights tiny.safetensors --input x.npy --target t.npy --output g.safetensors
expect 3 "targets for other samples" sh -c 'python3 -c "import numpy as np; np.save(\"t2.npy\", np.array([0, 1]))"
    exec "$0" gradients --weights tiny.safetensors --input x.npy --target t2.npy --output g.safetensors' $M
expect 3 "a target that is no class" sh -c 'python3 -c "import numpy as np; np.save(\"t3.npy\", np.array([0, 1, 2]))"
    exec "$0" gradients --weights tiny.safetensors --input x.npy --target t3.npy --output g.safetensors' $M
expect 0 "summary" $M summary && prints "summary" "total parameters"
expect 0 "summary --json" $M summary --json && cp out s1.json && "$CNNC" --check --format=json tiny.cnn >s2.json &&
    check "the same summary" python3 -c '
import json
a, b = json.load(open("s1.json")), json.load(open("s2.json"))
for key in ("model", "input", "output", "parameters", "trainable", "macs"):
    assert a[key] == b[key], key'
expect 0 "bench" $M bench --json --batch 8 --threads 1 --seconds 0.05 &&
    check "bench's JSON" python3 -c '
import json
b = json.load(open("last"))
assert b["model"] == "tiny" and b["threads"] == 1 and b["batch"] == 8, b
assert all(b[k]["median_ms"] > 0 for k in ("train", "inference", "inference_one")), b'
expect 0 "bench --layers" $M bench --layers --batch 8 --threads 2 --seconds 0.05 && prints "bench --layers" "of peak"
expect 0 "bench --layers --json" $M bench --layers --json --batch 1 --threads 2 --seconds 0.05 &&
    check "bench's layers" python3 -c '
import json
b = json.load(open("last"))
assert b["peak_gflops"] > 0.1, b
for work in "inference", "train":
    rows = b[work]
    assert all(row["us"] >= 0 and row["kernel"] for row in rows), rows
    convolutions = [row for row in rows if row["kernel"].startswith("conv.") and row["us"] > 0]
    assert convolutions and all(row["macs"] > 0 and row["gflops"] > 0 for row in convolutions), rows
kinds = {row["kernel"].split(".")[0] for row in b["train"]}
assert {"conv", "conv_weight_grad"} <= kinds, kinds'
expect 2 "gradcheck without --gradcheck" $M gradcheck && says "gradcheck without --gradcheck" "--gradcheck"
expect 0 "epochs 0 only saves" $M train --epochs 0 --seed 1 --save zero.safetensors &&
    same "epochs 0 is init" zero.safetensors w.safetensors

sed 's/^model tiny/model bare/; /^data/,$d' tiny.cnn >bare.cnn
expect 0 "compile a model without blocks" "$CNNC" bare.cnn && ./bare init --output b.safetensors &&
    ./bare init --seed 1 --output b1.safetensors && same "seed 1 where no train block says another" b.safetensors b1.safetensors

# Fixed weights need no file; without a train block there is no training.
expect 0 "compile fixed" "$CNNC" fixed.cnn
expect 0 "run without weights" sh -c 'python3 -c "import numpy as np; np.save(\"one.npy\", np.ones((1, 3, 3, 1), np.float32))"
    exec ./fixed run --input one.npy --output y.npy' && check "45" python3 -c 'import numpy as np; assert np.load("y.npy").item() == 45'
expect 2 "no train block" ./fixed train && says "no train block" "train"
expect 2 "no train block, gradients" ./fixed gradients --input one.npy --target t.npy --output g.safetensors

# Inputs that do not fit.
expect 3 "weights of another model" ./fixed run --weights tiny.safetensors --input one.npy --output y.npy
expect 3 "samples of another shape" $M run --weights tiny.safetensors --input one.npy --output y.npy
expect 3 "an array that is none" $M run --weights tiny.safetensors --input light.pgm --output y.npy
expect 3 "data that is none" sh -c 'mkdir -p bad && for f in train-images train-labels test-images test-labels; do
    echo nothing >bad/$f.idx; done; exec "$0" train --data bad' $M
expect 3 "labels out of range" sh -c 'mkdir -p range && cp data/* range/ &&
    printf "\003" | dd of=range/train-labels.idx bs=1 seek=20 conv=notrunc 2>/dev/null; exec "$0" train --data range' $M

# Outputs that cannot be written.
for verb in "init --output" "train --quiet --epochs 1 --save" "run --weights w.safetensors --input x.npy --output" \
    "gradients --weights w.safetensors --input x.npy --target t.npy --output"; do
    # shellcheck disable=SC2086
    expect 4 "$verb /dev/full" $M $verb /dev/full
    # shellcheck disable=SC2086
    expect 4 "$verb in no folder" $M $verb nowhere/file
done
expect 4 "a log on a full device" $M train --epochs 1 --log /dev/full --save l.safetensors
expect 4 "summary on a full device" sh -c '"$0" summary >/dev/full' $M
expect 4 "summary into a closed pipe" bash -c '{ sleep 0.2; "$0" summary; } | true; exit ${PIPESTATUS[0]}' $M

# A small limit on the size of files: an error of the write, no death by signal; the older file stays.
limited() { # limited NAME ARGUMENTS...: the program's output goes into a pipe, which the limit is not for
    local name=$1
    shift
    cp w.safetensors limited.safetensors
    (ulimit -f 0 && exec "$M" "$@" 2>&1) | cat >out
    is "$name under ulimit -f" "${PIPESTATUS[0]}" 4
    prints "$name under ulimit -f" "File too large"
    same "the older file stays" limited.safetensors w.safetensors
}
limited init init --seed 9 --output limited.safetensors
limited run run --weights w.safetensors --input x.npy --output limited.safetensors
limited gradients gradients --weights w.safetensors --input x.npy --target t.npy --output limited.safetensors
limited train train --epochs 1 --save limited.safetensors
limited "the log" train --epochs 1 --log limited.jsonl

# Divergence.
expect 6 "divergence" $M train --lr 1e30 --epochs 3 --save diverged.safetensors && says "divergence" "finite"
check "no weights of a diverged run" test ! -e diverged.safetensors

# Interrupts: once ends after the batch and saves, with 130.
interrupt() {
    local signal=$1 pid
    rm -f interrupted.safetensors
    $M train --epochs 1000000 --quiet --save interrupted.safetensors >out 2>err &
    pid=$!
    sleep 0.7
    kill -"$signal" $pid
    wait $pid
    is "SIG$signal is exit 130" $? 130
    check "SIG$signal saves" $M eval --weights interrupted.safetensors
}
# A shell without job control starts background jobs with SIGINT ignored, so SIGINT needs a process of its own.
interrupt TERM
interrupt HUP
nohup $M train --epochs 1000000 --quiet --save nohup.safetensors >out 2>err &
sleep 0.3
kill -HUP $!
sleep 0.3
check "a SIGHUP that is to be ignored is ignored" kill -TERM $!
wait $!
is "nohup leaves SIGTERM" $? 130
python3 - $M <<'PYTHON'
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
p = subprocess.Popen([sys.argv[1], "train", "--epochs", "1000000", "--quiet", "--save", "sigint.safetensors"])
time.sleep(0.7)
p.send_signal(signal.SIGINT)
sys.exit(0 if p.wait(30) == 130 else f"exit {p.returncode}")
PYTHON
is "SIGINT is exit 130" $? 0
check "SIGINT saves" $M eval --weights sigint.safetensors
check "no temporary files" test -z "$(find . -name '*.tmp*')"
