# Sourced by run.sh: the N-th allocation, open, read, write, fsync, close or rename fails, for every N, while the runtime reads and
# writes a file of every kind. Exit 5 for memory and 4 for the rest, the older or the newer file whole, no temporary left.
if [ -z "$SANITIZE" ]; then # a sanitizer has allocators of its own
    mkdir calls && cd calls || exit 1
    cc=(${CC:-cc} -std=gnu11 -O1 -w)
    check "the preloaded library builds" "${cc[@]}" -fPIC -shared "$HERE/failing_calls.c" -o failing_calls.so -ldl
    check "the scenario builds" "${cc[@]}" -I"$ROOT/runtime" -I"$ROOT" -I"$ROOT/tests" "$HERE/files_scenario.c" \
        "$BUILD/libcnnrt.a" -lz -lpng -ljpeg -lpthread -lm -ldl -o scenario
    python3 -c 'import gzip, struct
open("images.gz", "wb").write(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 100, 28, 28) + bytes(i % 251 for i in range(78400))))
open("labels.gz", "wb").write(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 100) + bytes(i % 10 for i in range(100))))'
    check "the scenario passes" ./scenario
    whole=$(stat -c %s target.safetensors)
    for call in malloc open read write fsync close rename; do
        wanted=4
        [ $call = malloc ] && wanted=5
        for n in $(seq 1 500); do
            printf old >target.safetensors
            rm -f image.png array.npy
            FAULT_N=$n FAULT_CALL=$call LD_PRELOAD=./failing_calls.so ./scenario >out 2>err
            status=$?
            [ $status -eq 0 ] && [ -e array.npy ] && [ "${quiet:=0}" -ge 20 ] && break
            case $status in
            0) quiet=$((quiet + 1)); pass ;;
            "$wanted") quiet=0; pass ;;
            *) fail "$call $n" "exit $status where $wanted was expected" "$(head -n 2 err)" ;;
            esac
            size=$(stat -c %s target.safetensors)
            [ "$size" -eq 3 ] || [ "$size" -eq "$whole" ] || fail "$call $n" "target.safetensors has $size bytes"
            ls -A | grep -q 'tmp$' && fail "$call $n" "a temporary file is left" && rm -f .*.tmp
        done
        quiet=0
    done
    cd ..
fi
