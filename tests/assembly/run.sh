#!/bin/bash
# What the compiler makes of tiles: no accumulator of an innermost loop goes to the stack. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
[ "$(uname -m)" = x86_64 ] || { echo "SKIP: the checker reads x86 assembly"; finish; }
python3 "$HERE/models.py"
cp "$ROOT/examples/keras_sequential.cnn" "$ROOT/examples/keras_functional.cnn" "$ROOT/examples/resnet20.cnn" .

# holds CPU OUTPUTS GRADIENTS [OPTION...]: every model's loops have at most so many stores among 100 multiply-adds.
holds() {
    local cpu=$1 outputs=$2 gradients=$3 file name
    shift 3
    for file in *.cnn; do
        name=${file%.cnn}
        check "$name for $cpu $*" "$CNNC" --emit=asm --cpu="$cpu" "$@" "$file" -o "$name.s" || continue
        check "$name for $cpu $*: registers" python3 "$HERE/spills.py" "$outputs" "$gradients" "$name.s" || cat out
    done
}
# Where some are allowed, LLVM's scheduler leaves them: it moves loads ahead of a tile that fills the registers.
holds znver4 0 0
holds znver4 0 0 --strict
holds skylake-avx512 1 3
holds skylake-avx512 0 3 --strict
holds haswell 20 20
finish
