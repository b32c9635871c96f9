#!/bin/bash
# The examples do what their comments say: they compile, the generators give the same bytes every time, and what can be
# learned in seconds is learned. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"

for example in "$ROOT"/examples/*.cnn; do
    check "$(basename "$example") checks" "$CNNC" --check "$example"
done
expect 0 "another depth of resnet20" "$CNNC" --check -D depth=9 "$ROOT/examples/resnet20.cnn" && prints "ResNet-56" "basic_27"
expect 1 "a number of parameters that is wrong" "$CNNC" --check -D depth=4 - \
    <<<"$(sed 's/depth != 3 or //' "$ROOT/examples/resnet20.cnn")"

for generator in x_or_o shapes color_patterns; do
    count=()
    [ $generator = color_patterns ] && count=(500)
    for folder in "$generator-data" again; do
        mkdir -p $folder && rm -f $folder/*
        check "$generator" "$GENERATORS/$generator" $folder "${count[@]}"
    done
    check "$generator gives the same bytes" diff -r "$generator-data" again
    expect 2 "$generator without a folder" "$GENERATORS/$generator"
    expect 4 "$generator into no folder" "$GENERATORS/$generator" nowhere
done

# learns MODEL ACCURACY TRAIN-OPTIONS...: the test set's accuracy is that at least.
learns() {
    local model=$1 wanted=$2 data=()
    shift 2
    [ "${1:-}" = --data ] && data=("$1" "$2")
    check "$model compiles" "$CNNC" "$ROOT/examples/$model.cnn" || return
    check "$model trains" "./$model" train --quiet "$@" || return
    expect 0 "$model evaluates" "./$model" eval --weights "$model.safetensors" "${data[@]}" --json || return
    check "$model reaches $wanted" python3 -c '
import json, sys
accuracy = json.load(open("last"))["accuracy"]
assert accuracy >= float(sys.argv[1]), accuracy' "$wanted"
}
learns x_or_o 1
learns shapes 0.98
learns cifar10_tutorial 0.9 --data color_patterns-data --epochs 3

# A sixth of Fashion-MNIST for an epoch: the real files, gzip included, and pictures cut out of them.
fashion=/usr/share/datasets/fashion-mnist
if [ -d $fashion ]; then
    learns fashion 0.75 --epochs 1 --limit 10000
    expect 0 "pictures" "$GENERATORS/idx_to_pgm" $fashion/t10k-images-idx3-ubyte.gz . 1 2
    expect 0 "predict" ./fashion predict --weights fashion.safetensors --json 2.pgm && prints "trousers" '"Trouser"'
fi
expect 3 "a file that is no IDX" "$GENERATORS/idx_to_pgm" "$ROOT/README.md" . 0
finish
