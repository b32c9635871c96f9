#!/bin/bash
# Whole models: worked examples whose every number is known; five nets against PyTorch's outputs, gradients and training
# steps; every optimizer, schedule, layer and loss of the compiler's table, every option at an odd value (reference/, made by
# the make_*.py here). CNNC_TEST_MODELS: only these nets and nothing else, training as long as CNNC_TEST_STEPS says (1 10 100).
# Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
compare() { python3 "$HERE/compare.py" "$@"; }

# golden NAME: every layer of a worked example, number by number, also without optimization and fusion.
golden() {
    local stem=$HERE/golden/$1 file layer
    shift
    check "$stem compiles $*" "$CNNC" "$@" "$stem.cnn" -o golden || return
    for file in "$stem".*.npy; do
        layer=${file#"$stem".}
        layer=${layer%.npy}
        [ "$layer" = input ] && continue
        check "$stem runs $layer $*" ./golden run --input "$stem.input.npy" --output y.npy --layer "$layer" &&
            check "$stem $layer $*" compare golden y.npy "$file"
    done

}

for file in "$HERE"/golden/*.cnn; do
    name=$(basename "$file" .cnn)
    golden "$name"
    golden "$name" -O0 --strict
done

python3 - "$HERE/golden/shapes.json" <<'PYTHON'
import json, sys
for i, case in enumerate(json.load(open(sys.argv[1]))):
    open(f"shapes{i}.cnn", "w").write(case["model"] + "\n")
PYTHON
for file in shapes*.cnn; do
    index=${file#shapes}
    index=${index%.cnn}
    expect 0 "$file checks" "$CNNC" --check --format=json "$file" && cp out summary.json &&
        check "shapes case $index" compare shapes "$index" summary.json
done

# against_pytorch MODEL: the example's model with data and training of its own.
against_pytorch() {
    local model=$1 step epochs limit rate
    mkdir -p "$model"
    rate=$(compare rate "$model")
    { sed '/^data {/,$d' "$ROOT/examples/$model.cnn"
      printf 'data {\n  format = npy\n  path = "%s"\n  train = ["train.npy", "labels.npy"]\n}\n' "$model"
      printf 'train {\n  loss = cross_entropy\n  optimizer = sgd(lr=0.01, momentum=0.9)\n  batch = 16\n}\n'; } >"$model.cnn"
    check "$model compiles" "$CNNC" "$model.cnn" -o "$model/model" || return
    check "$model init" "$model/model" init --output "$model/init.safetensors" || return
    check "$model's tensors" compare prepare "$model" "$model" || return
    local weights=$model/initial.safetensors
    check "$model runs" "$model/model" run --weights "$weights" --input "$model/probe.npy" --output "$model/y.npy" &&
        check "$model's output" compare output "$model" "$model/y.npy"
    # Rounding decides on which side of a relu a number near zero falls, and each of the 300,000 relus of a deep net that falls
    # otherwise moves the gradients by 1e-3: those are compared where the rounding is that of direct sums.
    check "$model compiles strictly" "$CNNC" --strict "$model.cnn" -o "$model/strict" || return
    check "$model's gradients come" "$model/strict" gradients --weights "$weights" --input "$model/probe.npy" \
        --target "$model/targets.npy" --output "$model/g.safetensors" &&
        check "$model's gradients" compare gradients "$model" "$model/g.safetensors"
    for step in ${CNNC_TEST_STEPS:-1 10 100}; do
        epochs=$(((step + 9) / 10))
        limit=$((step == 1 ? 16 : 160))
        check "$model trains $step steps" "$model/model" train --init "$weights" --epochs $epochs --batch 16 \
            --lr "$rate" --limit $limit --shuffle off --threads 2 --quiet --save "$model/w.safetensors" &&
            check "$model after $step steps" compare steps "$model" $step "$model/w.safetensors"
    done
}
models=${CNNC_TEST_MODELS:-lenet5 keras_sequential keras_functional cifar10_tutorial resnet20}
for model in $models; do against_pytorch "$model"; done
[ -z "${CNNC_TEST_MODELS:-}" ] || finish

# training_case CASE STEP...: an optimizer or a schedule after so many steps, the same bits for any number of threads, and
# the learning rate of every epoch.
training_case() {
    local case=$1 step threads options
    shift
    python3 "$HERE/compare_training.py" source "$case" >"$case.cnn"
    check "$case compiles" "$CNNC" "$case.cnn" -o "$case" || return
    [ -f initial.safetensors ] || { check "$case init" "./$case" init --output init.safetensors &&
        python3 "$HERE/compare_training.py" prepare init.safetensors; }
    for step in "$@"; do
        options=()
        [ "$step" -lt 100 ] && options=(--epochs 1 --limit $((16 * step)))
        check "$case trains $step steps" "./$case" train --init initial.safetensors --shuffle off --threads 1 --quiet \
            "${options[@]}" --save "$case.1" &&
            check "$case after $step steps" python3 "$HERE/compare_training.py" steps "$case" "$step" "$case.1"
    done
    check "$case trains to the end" "./$case" train --init initial.safetensors --shuffle off --threads 1 --quiet \
        --log log.jsonl --save "$case.1"
    check "$case's rates" python3 "$HERE/compare_training.py" rates "$case" log.jsonl
    for threads in 2 3; do
        check "$case trains with $threads threads" "./$case" train --init initial.safetensors --shuffle off \
            --threads $threads --quiet --save "$case.$threads"
        same "$case: 1 and $threads threads" "$case.1" "$case.$threads"
    done
}
python3 "$HERE/compare_training.py" cases >cases
while read -r case steps; do training_case "$case" $steps; done <cases

# One layer, or loss, with odd options: output, loss and every gradient; dropout while training; first weights.
for group in layers drops starts; do
    while read -r verdict text; do
        if [ "$verdict" = ok ]; then pass; else fail "$group: $verdict $text"; fi
    done < <(python3 "$HERE/compare_$group.py" "$CNNC" 2>&1)
done

# Whatever the compiler's table has is among them, every argument with a value of its own.
check "the table prints" "$BUILD/tests/reference_page" && cp out page &&
    check "what has a reference is listed" python3 "$HERE/coverage.py" page && is "all have references" "$(cat out)" ""
finish
