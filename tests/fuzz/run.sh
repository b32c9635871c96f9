#!/bin/bash
# The corpus through the fuzzers' entry points, and SECONDS_A_FUZZER (10) seconds of fresh mutations each, under the address
# and undefined-behaviour sanitizers. Needs clang 19; without it the folder is passed over.
# Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
seconds=${SECONDS_A_FUZZER:-10}
CLANG=$(command -v clang-19) || { echo "no clang-19: not run"; finish; }
LLVM=$(command -v llvm-config-19)
. "$HERE/readers.sh"

# Everything that elaboration needs, built apart from the tree: libFuzzer instruments it all.
mapfile -t sources < <(find "$ROOT"/compiler/{base,diag,syntax,graph,emit,ops,sema} -name '*.c'; ls "$ROOT"/runtime/{printable,follow_links}.c \
    "$BUILD"/generated/syntax/{parser,lexer}.c)
flags=(-std=gnu11 -g -O1 -w -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -I"$ROOT/compiler"
    -I"$BUILD/generated" -I"$ROOT" -I"$("$LLVM" --includedir)")
export CLANG
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} sh -c \
    '"$CLANG" "$@" -c "{}" -o "$(echo "{}" | tr / _).o" || exit 255' sh "${flags[@]}" || { fail "the fuzzer builds"; finish; }
# Words: those of cnn.dict, and the compiler's own table of layers, losses, optimizers, schedules and their arguments. Texts: the
# corpus, and random models where there is a numpy to make them.
"$BUILD/tests/reference_page" >page || fail "the table of layers is printed"
{ cat "$HERE/cnn.dict"; sed -nE 's/^### (.*)/"\1("/p; s/^\| `([a-z_0-9]+)` .*/"\1="/p' page | sort -u; } >words.dict
mkdir models
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$ROOT/tests/random python3 -c '
import generate
for seed in range(60):
    with open(f"models/{seed}.cnn", "w") as file: file.write(generate.Model(seed).text())' 2>err ||
    echo "no python3 with numpy: no random models among the texts"
for fuzzer in parser formatter; do
    check "fuzz_$fuzzer links" "$CLANG" "${flags[@]}" -fsanitize=fuzzer "$HERE/fuzz_$fuzzer.c" ./*.o \
        -L"$("$LLVM" --libdir)" -lLLVM-19 -lcjson -l:libstdc++.so.6 -lpthread -lm -o "fuzz_$fuzzer" || continue
    mkdir "fresh_$fuzzer"
    check "fuzz_$fuzzer" "./fuzz_$fuzzer" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -max_len=4096 -seed=1 \
        -dict=words.dict -print_final_stats=0 "fresh_$fuzzer" "$HERE/corpus" models
done
finish
