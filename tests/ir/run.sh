#!/usr/bin/env bash
# The graph passes, one at a time: every RUN line of the files here, over printed graphs (.graph) and models (.cnn), judged by
# FileCheck; what is printed after each pass comes back the same; models give the same bits with fusion and without.
. "$(dirname "$0")/../checks.sh" "$@"

FILECHECK=$(command -v FileCheck-19 || command -v FileCheck || echo "$(llvm-config-19 --bindir)/FileCheck")

# In a RUN line %s is the file, cnnc and FileCheck are the programs, %t a name in the work folder.
run_lines() {
    local file=$1 line
    sed -n 's/^[^A-Za-z]*RUN: *//p' "$file" | while read -r line; do
        line=${line//%s/$file}
        line=${line//%t/$WORK/made}
        line=${line//FileCheck/$FILECHECK}
        echo "set -o pipefail; ${line//cnnc /$CNNC }"
    done
}

for file in "$HERE"/*.graph "$HERE"/*.cnn; do
    lines=$(run_lines "$file")
    [ -n "$lines" ] || fail "$(basename "$file")" "it has no RUN line"
    while IFS= read -r line; do check "$(basename "$file")" bash -c "$line"; done <<<"$lines"
done

# Faults of a printed graph: the first line says what is expected.
for file in "$HERE"/faults/*.graph; do
    expect 1 "$(basename "$file")" "$CNNC" --from-graph "$file"
    says "$(basename "$file")" "$(sed -n '1s/^\/\/ *//p' "$file")"
done

# A printed form on its own: from `graph` to `plan`.
split_forms() { awk -v stem="$2" '/^graph /{n++} {print > (stem n ".graph")}' "$1"; }

PASSES=$("$CNNC" --print-passes | awk '{print $1}')
for model in "$HERE"/models/*.cnn; do
    name=$(basename "$model" .cnn)
    for pass in $PASSES; do
        check "$name after $pass" "$CNNC" "$model" --gradcheck "--print-after=$pass" -O0 --emit=llvm-ir -o "$WORK/made.ll"
        cp "$WORK/out" "$WORK/printed"
        rm -f "$WORK"/form*.graph
        split_forms "$WORK/printed" "$WORK/form"
        for form in "$WORK"/form*.graph; do
            check "$name after $pass, read back" "$CNNC" --from-graph "$form"
            same "$name after $pass, printed again" "$WORK/out" "$form"
        done
    done
    check "$name with fusion" "$CNNC" "$model" --gradcheck -o "$WORK/fused"
    check "$name without fusion" "$CNNC" "$model" --no-fuse -o "$WORK/plain"
    # shellcheck disable=SC2046
    check "$name, samples" python3 "$HERE/samples.py" $(sed -n 's/^# samples: *//p' "$model") "$WORK"
    check "$name, weights" "$WORK/fused" init --seed 7 --output "$WORK/w.safetensors"
    for kind in fused plain; do
        check "$name, $kind output" "$WORK/$kind" run --weights "$WORK/w.safetensors" --input "$WORK/x.npy" \
            --output "$WORK/$kind.npy"
        check "$name, $kind gradients" "$WORK/$kind" gradients --weights "$WORK/w.safetensors" --input "$WORK/x.npy" \
            --target "$WORK/t.npy" --output "$WORK/$kind.safetensors"
    done
    same "$name, outputs" "$WORK/fused.npy" "$WORK/plain.npy"
    same "$name, gradients" "$WORK/fused.safetensors" "$WORK/plain.safetensors"
    # The probe fuses nothing and reuses nothing; its last layer is the output all the same.
    last=$(sed -n 's/^# last layer: *//p' "$model")
    check "$name, probed" "$WORK/fused" run --weights "$WORK/w.safetensors" --input "$WORK/x.npy" --layer "$last" \
        --output "$WORK/probed.npy"
    same "$name, the probe's output" "$WORK/fused.npy" "$WORK/probed.npy"
done

finish
