#!/bin/bash
# The zoo: every published model has its published number of parameters, compiles and runs; the small ones learn; no layer of any
# runs on a kernel of single elements, forward or backward.
# Usage: run.sh BUILD_DIR. The models of hundreds of megabytes run where CNNC_TEST_LONG is set.
. "$(dirname "$0")/../checks.sh" "$@"

cp -r "$ROOT/examples/blocks" "$ROOT/examples/zoo" .
samples() { python3 "$HERE/samples.py" "$@"; }

# runs MODEL OUTPUT-SHAPE [OPTION...]: one made-up sample through fresh weights gives finite numbers of that shape.
runs() {
    local model=$1 shape=$2
    shift 2
    check "$model compiles" "$CNNC" --inference "$@" "zoo/$model.cnn" &&
        check "$model gives its shapes" "./$model" summary --json &&
        check "$model's sample" samples input last sample.npy &&
        check "$model's weights" "./$model" init --output fresh.safetensors &&
        check "$model runs" "./$model" run --weights fresh.safetensors --input sample.npy --output result.npy &&
        check "$model's result" samples output result.npy "1x$shape"
    rm -f "$model" ./*.safetensors ./*.npy
}

# learns MODEL RATE TARGETS [OPTION...]: the loss of a few made-up samples falls, at the model's own rate where RATE is `own`.
# The model gets data of its own, TARGETS being the number of classes or `same` for the samples themselves.
learns() {
    local model=$1 rate=(--lr "$2") targets=$3
    [ "$2" != own ] || rate=()
    shift 3
    sed -i '/^data {/,/^}/d' "zoo/$model.cnn"
    grep -q '^train {' "zoo/$model.cnn" || printf 'train { loss = cross_entropy }\n' >>"zoo/$model.cnn"
    printf 'data {\n  format = npy\n  path = "."\n  train = ["samples.npy", "targets.npy"]\n}\n' >>"zoo/$model.cnn"
    check "$model compiles with training" "$CNNC" "$@" "zoo/$model.cnn" &&
        check "$model says its shapes" "./$model" summary --json &&
        check "$model's data" samples data last samples.npy targets.npy "$targets" &&
        check "$model trains" "./$model" train --quiet --epochs 6 --batch 8 "${rate[@]}" --log log --save w.safetensors &&
        check "$model's loss falls" samples falling log
    rm -f "$model" log ./*.safetensors ./*.npy
}

for model in zoo/*.cnn; do
    check "$model checks" "$CNNC" --check "$model"
    check "$model asserts its parameters" grep -q 'parameters ==' "$model"
    check "$model's neighbour" sed -i -E 's/(parameters == [0-9_]+)/\1 + 1/' "$model"
    expect 1 "$model with another number" "$CNNC" --check "$model"
    cp "$ROOT/examples/$model" zoo/
done

# vectors MODEL [OPTION...]: every kernel works on registers, of inference and of training.
vectors() {
    local model=$1
    shift
    cp "$ROOT/examples/zoo/$model.cnn" "zoo/every.cnn"
    grep -q '^train {' zoo/every.cnn || printf 'train { loss = cross_entropy }\n' >>zoo/every.cnn
    check "$model's code $*" "$CNNC" -O0 --emit=llvm-ir "$@" -o every.ll zoo/every.cnn &&
        check "$model's training $*" grep -q '^define .*@training\.' every.ll &&
        check "$model's kernels $*" python3 "$HERE/vectors.py" every.ll
    rm -f zoo/every.cnn every.ll
}

for model in "$ROOT"/examples/zoo/*.cnn; do
    vectors "$(basename "$model" .cnn)"
    [ -n "$SANITIZE" ] || vectors "$(basename "$model" .cnn)" --strict
done
check "code of single elements" "$CNNC" -O0 --emit=llvm-ir '--kernel=conv_2=reference' -o single.ll zoo/caffe_lenet.cnn
expect 1 "single elements are found" python3 "$HERE/vectors.py" single.ll
says "single elements are named" "over single elements: conv.reference"
rm -f single.ll

# Names in the weight file are those of blocks and layers; what comes after or beside a layer does not change its name.
check "resnet18" "$CNNC" --inference zoo/resnet18.cnn
check "resnet18's weights" ./resnet18 init --output 18.safetensors
check "names of resnet18" samples names 18.safetensors conv_1.weight batchnorm_1.running_var stage_1.basic_1.conv_1.weight \
    stage_2.basic_1.conv_2.weight stage_2.basic_1.project.weight stage_4.basic_2.batchnorm_2.bias dense_1.bias
check "resnet34" "$CNNC" --inference -D 'depths=[3, 4, 6, 3]' -o resnet34 zoo/resnet18.cnn
check "resnet34's weights" ./resnet34 init --output 34.safetensors
check "resnet34 has all names of resnet18" samples subset 18.safetensors 34.safetensors
rm -f resnet* ./*.safetensors

runs caffe_lenet 10
runs cifar10_quick 10
runs cifar10_full 10
runs mnist_cnn 10
runs m5_audio 35
runs voxnet 40
runs unet 4x4x2 -D size=188 -D width=8
[ -n "$SANITIZE" ] || runs unet 388x388x2 # of full size
runs denoiser 28x28x1
runs autoencoder 28x28x1
runs resnet20_a 10
runs char_cnn 4
runs mobilenet_v1 1000
runs mobilenet_v2 1000
runs mobilenet_v3_small 1000
runs squeezenet_1_1 1000
runs googlenet 1000
learns caffe_lenet 0.005 10
learns cifar10_quick 0.01 10
learns cifar10_full 0.01 10
learns mnist_cnn own 10
learns m5_audio own 35
learns voxnet own 10
learns resnet20_a 0.02 10
learns char_cnn own 4
learns unet own 2 -D size=188 -D width=8
learns denoiser own same
learns autoencoder own same

if [ -n "${CNNC_TEST_LONG:-}" ]; then
    runs squeezenet_1_0 1000
    runs resnet18 1000
    runs resnet50 1000
    runs densenet121 1000
    runs alexnet 1000
    runs vgg16 1000
    learns mobilenet_v2 0.01 10
fi
finish
