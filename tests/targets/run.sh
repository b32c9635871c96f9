#!/bin/bash
# AArch64: code for NEON, run under qemu: worked examples and whole models against tests/models' references, random models
# against NumPy, integers bit for bit. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
CROSS=aarch64-linux-gnu

for tool in qemu-aarch64 $CROSS-gcc; do
    command -v $tool >/dev/null || { echo "SKIP: $tool is missing: code for AArch64 is not run"; finish; }
done

# The runtime library for the other architecture. Debian's PNG, JPEG and gzip libraries are this machine's: their headers
# serve, but what would call them is left unresolved in the programs, which read none of these files here.
runtime() {
    local file
    mkdir objects
    find "$ROOT/runtime" -name '*.c' >sources
    while read -r file; do
        $CROSS-gcc -std=gnu11 -O2 -idirafter /usr/include -idirafter "/usr/include/$(uname -m)-linux-gnu" \
            -I"$ROOT/runtime" -I"$ROOT" -c "$file" -o "objects/$(basename "$file" .c).o" || return 1
    done <sources
    ar rcs libcnnrt.a objects/*.o && ar rcs libpng16.a && ar rcs libjpeg.a && ar rcs libz.a
}

# A compiler whose programs start in qemu: the program lies beside the script that is started.
cat >compiler <<SHELL
#!/bin/bash
case \$1 in explain | fmt) exec "$BUILD/cnnc" "\$@" ;; esac
output=
for ((i = 1; i < \$#; i++)); do
    [ "\${!i}" != -o ] || { i=\$((i + 1)); output=\${!i}; }
done
export CNNC_RUNTIME=$WORK
export CC="$CROSS-gcc -static -Wl,--unresolved-symbols=ignore-all -L$WORK"
"$BUILD/cnnc" --target=$CROSS "\$@" || exit
[ -f "\$output" ] || exit 0
mv "\$output" "\$output.aarch64"
printf '#!/bin/sh\nexec qemu-aarch64 "%s" "\$@"\n' "\$(realpath "\$output").aarch64" >"\$output"
chmod +x "\$output"
SHELL
chmod +x compiler

check "the runtime for AArch64" runtime || finish
export CNNC_TEST_COMPILER=$WORK/compiler
# Numbers are compared on this machine: only the programs are emulated.
suite() {
    local name=$1
    shift
    "$@" >suite.log 2>&1
    grep -E '^(FAIL|PASS|    )' suite.log
    check "$name" grep -qE '^[1-9][0-9]* passed, 0 failed$' suite.log
}
CNNC_TEST_MODELS="lenet5 keras_functional resnet20" CNNC_TEST_STEPS=1 suite "whole models" bash "$ROOT/tests/models/run.sh" "$BUILD"
CNNC_RANDOM_MODELS=${CNNC_RANDOM_MODELS:-20} suite "random models" bash "$ROOT/tests/random/run.sh" "$BUILD"
finish
