# Sourced by run.sh: the readers of data and weights, each from its corpus under readers/.
reader_flags=(-std=gnu11 -g -O1 -w -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I"$ROOT/runtime" -I"$ROOT")
reader_sources=("$ROOT"/runtime/{base,weights,data}/*.c "$ROOT"/runtime/{printable,follow_links}.c)
for reader in npy idx safetensors image; do
    check "fuzz_$reader builds" "$CLANG" "${reader_flags[@]}" "$HERE/fuzz_$reader.c" "${reader_sources[@]}" \
        -lz -lpng -ljpeg -lm -lpthread -o "fuzz_$reader" || continue
    mkdir "fresh_$reader"
    check "fuzz_$reader" "./fuzz_$reader" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -seed=1 \
        -print_final_stats=0 "fresh_$reader" "$HERE/readers/$reader"
done
