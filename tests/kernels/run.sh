#!/bin/bash
# The kernels chosen for the nets of the benchmark, for three processors whose caches are given, so that the answer is the same
# on any machine: NET.txt has a line a node (its layer, operator, kernel, and the kernel for a sample that runs by itself) and
# how the stages are run. A changed cost shows as a difference. Operators with one way to work are left out.
# Usage: run.sh BUILD_DIR [--bless]; --bless writes the files from what the compiler chooses.
. "$(dirname "$0")/../checks.sh" "$@"
bless=${2:-}

NETS="examples/keras_sequential examples/keras_functional examples/lenet5 examples/zoo/resnet20_a examples/zoo/m5_audio
      tests/bench/nets/mobilenet_96 tests/bench/nets/squeezenet_96 tests/bench/nets/unet_small tests/bench/nets/vgg_small"
# A processor and its machine.
MACHINES="haswell,l1=32K,l2=256K,ports=2 baseline,l1=32K,l2=512K,ports=1 skylake-avx512,l1=32K,l2=1M,ports=2"

# Of printed forms the lines that a choice stands in.
choices() {
    awk -v cpu="$1" '
        /^graph / { form = $3; wanted = form == "inference" || form == "training"; if (wanted) print "\n" cpu " " form }
        !wanted { next }
        /^plan / { match($0, /micro_batches[ 0-9]*/); stages = substr($0, RSTART, RLENGTH)
                   match($0, /lanes [0-9]+/); print stages substr($0, RSTART, RLENGTH) }
        /^node / {
            op = $0; sub(/^node (.* = )?/, "", op); sub(/[(].*/, "", op)
            kernel = ""; if (match($0, / kernel [a-z_0-9]+/)) kernel = substr($0, RSTART + 8, RLENGTH - 8)
            alone = ""; if (match($0, / alone [a-z_0-9]+/)) alone = " alone " substr($0, RSTART + 7, RLENGTH - 7)
            layer = "-"; if (match($0, / @[^ ]+/)) layer = substr($0, RSTART + 2, RLENGTH - 2)
            if (kernel !~ /^(vector|copy|rows|view|gather|philox)$/) print layer " " op " " kernel alone
        }'
}

for net in $NETS; do
    name=$(basename "$net")
    for machine in $MACHINES; do
        cpu=${machine%%,*}
        check "$name for $cpu" "$CNNC" --emit=dot "--cpu=$cpu" "--machine=${machine#*,}" --print-after=memory -o drawn.dot \
            "$ROOT/$net.cnn"
        choices "$cpu" <"$WORK/out"
    done >"$name.txt"
    sed -i 1d "$name.txt"
    [ "$bless" = --bless ] && cp "$name.txt" "$HERE/$name.txt"
    if cmp -s "$name.txt" "$HERE/$name.txt"; then
        pass
    else
        fail "the kernels of $name (run.sh BUILD_DIR --bless writes them anew)" "$(diff "$HERE/$name.txt" "$name.txt" | head -n 20)"
    fi
done
finish
