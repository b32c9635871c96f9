#!/bin/bash
# gradcheck finds gradients that are wrong: models are compiled, one tensor's gradient is spoiled (tamper.c) in one of several
# ways, and every time the verdict is WRONG and exit 1; unspoiled, they agree. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"

# model NAME LAYER...: compiled and linked with the tampering main.
model() {
    local name=$1 input=$2 line
    shift 2
    { printf 'model m {\n  input(%s)\n' "$input"
      for line in "$@"; do printf '  %s\n' "$line"; done
      printf '}\ntrain { loss = %s }\n' $loss; } >"$name.cnn"
    check "$name compiles" "$CNNC" --gradcheck --save-temps "$name.cnn" &&
        check "$name is linked" $CC -std=gnu11 -I"$ROOT/runtime" -I"$ROOT" "$HERE/tamper.c" "$name.o" "$BUILD/libcnnrt.a" \
            -lpng -ljpeg -lz -lm -lpthread -o "$name" &&
        check "$name's own gradients agree" "./$name" gradcheck --samples $samples && prints "$name: what is said" "gradients agree"
}

# wrong NAME TENSOR KIND...: each way of being wrong is found, in the layer where it is.
wrong() {
    local name=$1 tensor=$2 kind layer=${2%.*}
    shift 2
    for kind in "$@"; do
        CNNC_TAMPER="$kind $tensor" expect 1 "$name: $kind in $tensor" "./$name" gradcheck --samples $samples
        is "$name: the layer of $kind in $tensor" "$(awk '/WRONG/ { print $1 }' out)" "$layer"
    done
}

samples=1000
loss=cross_entropy
all="percent sign missing zero shifted tenth sample"

# Kinks everywhere: behind a relu and a max pool some coordinates cannot be judged, and it must not hide the others.
model kinks "6, 6, 2" "conv(3, 3, padding=same, activation=relu)" "maxpool(2)" "conv(2, 2) -> relu" "flatten -> dense(3)"
wrong kinks conv_1.weight $all
wrong kinks conv_1.bias $all
wrong kinks conv_2.weight $all
wrong kinks dense_1.weight $all
wrong kinks input percent sign missing zero shifted tenth sample

# Statistics of the batch, a skip, and a merge that spreads.
model normed "5, 4" "conv(6, 2, bias=false) -> batchnorm -> tanh" "x = it" "v = it -> global_avgpool" "multiply(x, v)" \
    "conv(3, 1)" "groupnorm(1) -> gelu" "flatten -> dense(3)"
wrong normed conv_1.weight $all
wrong normed batchnorm_1.weight $all
wrong normed batchnorm_1.bias $all
wrong normed groupnorm_1.weight $all
wrong normed dense_1.bias $all
wrong normed input percent sign sample

# Activations before pools: their gradients are taken of the windows, batch statistics behind them.
model pooled "9, 11, 2" "conv(5, 3) -> batchnorm -> tanh -> maxpool(2)" "conv(4, 2) -> sigmoid -> maxpool([1, 2])" "flatten -> dense(3)"
wrong pooled conv_1.weight percent sign missing sample
wrong pooled batchnorm_1.weight percent tenth
wrong pooled conv_2.bias percent sign
wrong pooled input percent sign sample

# Ties: both elements of every window are equal, so that no difference can judge what lies before; what it says where they
# agree still counts, and what does not cannot pass for skipped.
model ties "8, 2" "a = depthwise(1) -> upsample(2)" "a -> maxpool(2)" "flatten -> dense(3)"
wrong ties depthwise_1.weight percent sign missing zero tenth
wrong ties dense_1.weight $all

# Few samples a time: a table's rows, of which most are not read.
model table "6" "embedding(9, 3)" "conv(4, 3, activation=relu)" "global_maxpool" "dense(3)"
wrong table embedding_1.weight percent sign missing zero tenth
wrong table conv_1.weight $all

# What cancels: behind the shift of `moved` comes a normalisation, so its gradient is zero, and what is computed for it is
# rounding of sums over thousands of places.
samples=40
loss=huber
model cancelling "4, 33, 5" hard_sigmoid 'scale(bias=true, name="moved")' "upsample(3)" "batchnorm(epsilon=0.001)" \
    "flatten -> dense(5)"
wrong cancelling moved.weight percent sign missing
wrong cancelling dense_1.bias $all
finish
