# Sourced by run.sh: the N-th call of every kind fails, for every N, in both programs as whole processes and in one that reads and
# writes a file of every kind; processes.py says what is asserted. CNNC_TEST_LONG=1 walks every allocation of the compiler.
if [ -z "$SANITIZE" ] && [ "$(uname -m)" = x86_64 ]; then # a sanitizer has allocators of its own; the trap knows registers
    mkdir calls && cd calls || exit 1
    cc=(${CC:-cc} -std=gnu11 -O1 -w)
    check "the preloaded library builds" "${cc[@]}" -fPIC -shared "$HERE/failing_calls.c" -o ../failing_calls.so -ldl
    check "the scenario builds" "${cc[@]}" -I"$ROOT/runtime" -I"$ROOT" -I"$ROOT/tests" "$HERE/files_scenario.c" \
        "$BUILD/libcnnrt.a" -lz -lpng -ljpeg -lpthread -lm -ldl -o ../scenario
    check "calls that fail" python3 "$HERE/processes.py" "$CNNC" ../failing_calls.so ../scenario || grep -v '^processes' "$WORK/out"
    tail -n 1 "$WORK/out"
    cd ..
fi
