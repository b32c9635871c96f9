# cnnc: options, outputs, exit codes.

# Exit codes.
expect 0 "version" "$CNNC" --version && prints "version" "cnnc 0.1.0"
expect 0 "help" "$CNNC" --help && prints "help" "--emit"
expect 0 "short help" "$CNNC" -h
expect 2 "no file" "$CNNC"
expect 2 "unknown option" "$CNNC" --frobnicate tiny.cnn && says "unknown option" "--frobnicate"
expect 2 "misspelt option" "$CNNC" --gradchek tiny.cnn && says "misspelt option" "--gradcheck"
expect 2 "two files" "$CNNC" tiny.cnn fixed.cnn
expect 2 "option without its value" "$CNNC" tiny.cnn -o
expect 2 "unknown kind" "$CNNC" --emit=jpeg tiny.cnn
expect 2 "unknown CPU" "$CNNC" --cpu=pentium9 tiny.cnn
expect 2 "unknown target" "$CNNC" --target=abacus-unknown-none tiny.cnn
# What LLVM makes no code for: a line, and nothing is left.
for refused in "--target=nvptx64" "--target=amdgcn" "--target=bpf" "--target=x86_64-linux-gnu --features=-sse" "--target=x86_64-linux-gnu --cpu=i386"; do
    # shellcheck disable=SC2086
    expect 2 "$refused" "$CNNC" $refused --emit=obj tiny.cnn -o refused.o
    is "$refused: one line" "$(wc -l <"$WORK/err")" 1
    check "$refused: nothing is left" bash -c '! ls refused.* .cnnc* 2>/dev/null'
done
for narrow in thumbv7em-none-eabi i386-linux-gnu riscv32 wasm32; do
    expect 2 "--target=$narrow" "$CNNC" --target=$narrow --emit=obj tiny.cnn -o narrow.o &&
        says "--target=$narrow" "--target=$narrow is not built yet: its pointers have 32 bits"
done
# The floating-point ABI stands in the flags of the ELF header: bits 1 and 2.
riscv_abi() { "$CNNC" --emit=obj --inference -O0 --target=riscv64-linux-gnu "$@" tiny.cnn -o riscv.o && readelf -h riscv.o | sed -n 's/ *Flags: *//p'; }
is "RISC-V hands doubles over in registers" "$(riscv_abi)" "0x5, RVC, double-float ABI"
is "and where it is asked for as baseline" "$(riscv_abi --cpu=baseline)" "0x5, RVC, double-float ABI"
is "unless the processor lacks them" "$(riscv_abi --features=-d)" "0x3, RVC, single-float ABI"
expect 2 "unknown constant" "$CNNC" --check -D depth=3 tiny.cnn
expect 2 "unknown model" "$CNNC" --check --model other tiny.cnn
expect 2 "unknown code" "$CNNC" explain E9999
expect 2 "bad format" "$CNNC" --check --format=xml tiny.cnn
expect 2 "bad size" "$CNNC" --check --max-memory=lots tiny.cnn
expect 4 "no such file" "$CNNC" missing.cnn && says "no such file" "missing.cnn"
expect 4 "a folder" "$CNNC" data
expect 1 "a wrong model" "$CNNC" --check wrong.cnn && says "a wrong model" "wrong.cnn:3:3: error:"
expect 1 "an import that is missing" "$CNNC" --check - <<<'import "missing.cnn"
model m { input(1) }'
for wrong in l3=1M l2= l2=0 l2=1X ports=9 ports=-1 l1=32K,,l2=1M l1; do
    expect 2 "--machine=$wrong" "$CNNC" --check "--machine=$wrong" tiny.cnn && says "--machine=$wrong" "--machine takes l1=SIZE"
done
expect 0 "--machine" "$CNNC" -v --inference --machine=l1=16K,l2=2M,ports=1 tiny.cnn -o machined &&
    says "--machine is what is reckoned with" "1 multiply-add ports, caches of 16K and 2048K"
expect 1 "--max-memory" "$CNNC" --max-memory=1K tiny.cnn
expect 0 "--max-memory that suffices" "$CNNC" --check --max-memory=1G tiny.cnn
if [ "$(id -u)" -ne 0 ]; then
    install -m 0 tiny.cnn unreadable.cnn
    expect 4 "unreadable" "$CNNC" unreadable.cnn
fi

# --check and its formats.
expect 0 "--check" "$CNNC" --check tiny.cnn && prints "--check" "total parameters" && prints "--check" "conv_1"
expect 0 "--check json" "$CNNC" --check --format=json tiny.cnn &&
    check "the summary is JSON" python3 -c '
import json
s = json.load(open("last"))
assert s["model"] == "tiny" and s["input"] == [6, 6, 1] and s["output"] == [2], s
assert s["parameters"] == 40 + 130 and s["bytes"] == 4 * 170 and s["macs"] == 16 * 36 + 128, s
assert [l["name"] for l in s["layers"]] == ["conv_1", "flatten_1", "dense_1"], s
assert s["layers"][0] == {"name": "conv_1", "kind": "conv", "line": 4, "inputs": ["input"], "output": [4, 4, 4],
                          "parameters": 40, "trainable": 40, "macs": 576}, s["layers"][0]
assert 0 < s["memory"]["inference"] < s["memory"]["training"], s'
"$CNNC" --check --format=json wrong.cnn 2>errors >out
check "diagnostics are JSON" python3 -c '
import json
d = json.loads(open("errors").readline())
assert (d["file"], d["line"], d["column"], d["severity"]) == ("wrong.cnn", 3, 3, "error"), d
assert set(d) >= {"file", "line", "column", "end_line", "end_column", "severity", "code", "message", "notes", "fix"}, d'
expect 0 "-D" "$CNNC" --check -D width=8 tiny.cnn && prints "-D" "4x4x8"
expect 0 "--model" "$CNNC" --check --model b - <<<$'model a { input(1); dense(1) }\nmodel b { input(2); dense(3) }' && prints "--model" "b: 2 to 3"
expect 1 "two models" "$CNNC" --check - <<<$'model a { input(1); dense(1) }\nmodel b { input(2); dense(3) }'
expect 0 "options after the file" "$CNNC" tiny.cnn --check
expect 0 "-- ends options" "$CNNC" --check -- tiny.cnn
code=$("$CNNC" --check wrong.cnn 2>&1 | grep -o 'E[0-9]\{4\}' | head -n 1)
expect 0 "explain $code" "$CNNC" explain "$code"

# Outputs.
expect 0 "compile" "$CNNC" tiny.cnn && check "the program is called after the model" test -x tiny
expect 0 "-o" "$CNNC" tiny.cnn -o other && check "-o names it" test -x other
is "the program may be run by all that the umask lets" "$(stat -c %a other)" "$(printf '%o' $((0777 & ~$(umask))))"
mkdir -p elsewhere/deep && cp tiny.cnn elsewhere/
expect 0 "a model in another folder" "$CNNC" elsewhere/tiny.cnn -o elsewhere/deep/program
check "lands where -o says" test -x elsewhere/deep/program
rm -f tiny
expect 0 "without -o" "$CNNC" elsewhere/tiny.cnn && check "lands in the current folder" test -x tiny
declare -A suffix=([exe]= [obj]=.o [asm]=.s [llvm-ir]=.ll [bitcode]=.bc [dot]=.dot)
kinds=$("$CNNC" --help | sed -n 's/^  --emit=KIND  *//p' | sed 's/ (default)//; s/,/ /g; s/ or / /')
is "every kind of output has a test" "$(printf '%s\n' $kinds | sort)" "$(printf '%s\n' "${!suffix[@]}" | sort)"
is "the manual has every kind" "$(sed -n '/^.BI .*emit= KIND/,/^.TP/s/^.B //p' "$ROOT/compiler/cnnc.1")" "$(printf '%s\n' $kinds)"
for kind in $kinds; do
    file=tiny${suffix[$kind]}
    rm -f "$file"
    expect 0 "--emit=$kind" "$CNNC" --emit="$kind" tiny.cnn && check "$file" test -s "$file"
done
grep -q '^define' tiny.ll && pass || fail "tiny.ll is LLVM IR"
grep -q '^digraph' tiny.dot && pass || fail "tiny.dot is a graph"
file_kind=$(head -c 4 tiny.o | tail -c 3)
is "tiny.o is an object" "$file_kind" "ELF"
expect 2 "a source is never overwritten" "$CNNC" tiny.cnn -o tiny.cnn && check "it is still a model" "$CNNC" --check tiny.cnn
expect 2 "standard input wants -o" "$CNNC" - <tiny.cnn
expect 0 "standard input" "$CNNC" - -o piped <tiny.cnn && check "piped" test -x piped
expect 1 "standard input's name" "$CNNC" --check - <wrong.cnn && says "standard input's name" "<stdin>:3:3"
for level in 0 1 2 3; do check "-O$level" "$CNNC" -O$level tiny.cnn -o "o$level"; done
check "--cpu=baseline" "$CNNC" --cpu=baseline tiny.cnn -o baseline
check "--strict" "$CNNC" --strict tiny.cnn -o strict
check "--inference" "$CNNC" --inference tiny.cnn -o inference
expect 2 "no training in --inference" ./inference train
expect 0 "--time-phases" "$CNNC" --time-phases tiny.cnn -o phases
expect 0 "--print-passes" "$CNNC" --print-passes

# Reproducible: the same bytes from any folder.
"$CNNC" --emit=obj tiny.cnn -o here.o && (cd elsewhere && "$CNNC" --emit=obj tiny.cnn -o here.o)
same "the same object from two folders" here.o elsewhere/here.o

# Odd names.
cp tiny.cnn ./-v.cnn && cp tiny.cnn ./@x.cnn && cp tiny.cnn 'a b;touch pwn.cnn' && cp tiny.cnn 'ü $(touch pwn).cnn'
expect 0 "-v.cnn" "$CNNC" -- -v.cnn && check "./-v" test -x ./-v
expect 0 "-o -p" "$CNNC" tiny.cnn -o ./-p
expect 0 "@x.cnn" "$CNNC" @x.cnn && check "./@x" test -x ./@x
expect 0 "a b;touch pwn.cnn" "$CNNC" 'a b;touch pwn.cnn' && check "./a b;touch pwn" test -x './a b;touch pwn'
expect 0 "a name with a command in it" "$CNNC" 'ü $(touch pwn).cnn' -o 'o $(touch pwn)'
check "nothing was run" test ! -e pwn
check "nothing was run" test ! -e pwn.cnn -o -f 'a b;touch pwn.cnn'

# The world fails.
printf 'older' >kept && chmod +x kept
expect 4 "no linker" env CC=/nonexistent "$CNNC" tiny.cnn -o kept && is "the older program stays" "$(cat kept)" older
expect 4 "a linker that fails" env CC=false "$CNNC" tiny.cnn -o kept && is "the older program stays" "$(cat kept)" older
expect 1 "a wrong model" "$CNNC" wrong.cnn -o kept && is "the older program stays" "$(cat kept)" older
expect 4 "CNNC_RUNTIME leads nowhere" env CNNC_RUNTIME=/nonexistent "$CNNC" tiny.cnn -o kept
is "the older program stays" "$(cat kept)" older
expect 0 "CNNC_RUNTIME" env CNNC_RUNTIME="$BUILD" "$CNNC" tiny.cnn -o from_runtime ||
    expect 0 "CNNC_RUNTIME as a file" env CNNC_RUNTIME="$BUILD/libcnnrt.a" "$CNNC" tiny.cnn -o from_runtime
expect 0 "CC with arguments" env CC="$CC -g" "$CNNC" tiny.cnn -o with_arguments
expect 4 "no such folder" "$CNNC" tiny.cnn -o nowhere/tiny
expect 4 "a folder in its way" "$CNNC" tiny.cnn -o data
for kind in $kinds; do
    expect 4 "--emit=$kind on a full device" "$CNNC" --emit=$kind tiny.cnn -o /dev/full
    check "/dev/full stays a device" test -c /dev/full
done
expect 4 "--check on a full device" sh -c '"$0" --check tiny.cnn >/dev/full' "$CNNC"
expect 4 "--help on a full device" sh -c '"$0" --help >/dev/full' "$CNNC"
mkfifo pipe && { cat pipe >from_pipe & }
expect 0 "a pipe" "$CNNC" --emit=llvm-ir tiny.cnn -o pipe && wait && same "what came through" from_pipe tiny.ll
check "no temporary files" test -z "$(find . -name '*.tmp*')"

# Installed elsewhere.
if cmake --install "$BUILD" --prefix "$WORK/installed" >out 2>err; then
    check "bin/cnnc" test -x installed/bin/cnnc
    check "lib/cnnc/libcnnrt.a" test -f installed/lib/cnnc/libcnnrt.a
    check "the installed compiler compiles" installed/bin/cnnc tiny.cnn -o by_installed
else
    fail "cmake --install" "$(tail -n 3 err)"
fi
