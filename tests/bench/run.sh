#!/bin/bash
# The nets of the benchmark stay valid models that can be trained; what prints estimates beside times, and ranks beside each other,
# runs. No time is judged. Usage: run.sh BUILD_DIR
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

# The estimates beside the times: every row of a net has both.
cat >tiny_steps.cnn <<'END'
model tiny_steps {
  input(12, 12, 2)
  conv(8, 3, activation=relu) -> maxpool(3, stride=2) -> depthwise(3) -> avgpool(2)
  flatten -> dense(5)
}
train { loss = cross_entropy; optimizer = sgd(lr=0.01); batch = 8 }
END
expect 0 "estimates.py" env PYTHONDONTWRITEBYTECODE=1 python3 "$HERE/estimates.py" "$BUILD" --nets tiny_steps.cnn \
    --rounds 1 --seconds 0.001 --batch 8 --json rows.json
for text in "### tiny_steps" "### Kernels" "| train | depthwise_1 | depthwise_weight_grad."; do
    grep -qF -e "$text" out && pass || fail "estimates.py prints '$text'" "$(head -n 40 out)"
done
check "every step has an estimate and a time" python3 -c '
import json
rows = json.load(open("rows.json"))["tiny_steps"]
steps = {(row["work"], row["layer"], row["kernel"].split(".")[0]) for row in rows}
operators = {"conv_1": "conv", "depthwise_1": "depthwise", "maxpool_1": "maxpool", "avgpool_1": "avgpool", "dense_1": "dense"}
for layer, operator in operators.items():
    assert ("inference", layer, operator) in steps and ("train", layer, operator) in steps, (layer, steps)
    for way in ["_grad"] if "pool" in layer else ["_weight_grad"] + ["_input_grad"] * (layer != "conv_1"):
        assert ("train", layer, operator + way) in steps, (layer, way, steps)
assert all(row["estimate"] > 0 and row["measured"] > 0 for row in rows), rows'
expect 2 "a net that is none" python3 "$HERE/estimates.py" "$BUILD" --nets none.cnn && says "a net that is none" "none.cnn"
expect 1 "no compiler" python3 "$HERE/estimates.py" /nonexistent --nets lenet5 --rounds 1 && says "no compiler" "/nonexistent/cnnc"

# Sequences and volumes beside images: each has its row, each direction a kernel, a speed and a ratio.
ranks() { env PYTHONDONTWRITEBYTECODE=1 python3 "$HERE/ranks.py" "$BUILD" --rounds 1 --seconds 0.001 --batch 1 "$@"; }
expect 0 "ranks.py" ranks --kinds depthwise --option=-O1
for text in "| 4096, 64 channels, depthwise | depthwise " "| 4096, 64 channels, kernel 9, depthwise |" "| 16x16x16, 64 channels, depthwise |"; do
    prints "ranks.py prints '$text'" "$text"
done
is "ratios stand where the image is not" "$(grep -oE ', [0-9]+\.[0-9]+x ' out | wc -l)" 9
is "the image has its shares" "$(grep '^| 56x56, 64 channels, depthwise |' out | grep -o '[0-9]* %' | wc -l)" 3
expect 1 "ranks.py with a ratio that nothing reaches" ranks --kinds depthwise --option=-O1 --least 1000
expect 2 "a kind that is none" ranks --kinds pyramid && says "a kind that is none" "pyramid"
finish
