#!/bin/bash
# Runs every test, from a bare Debian 12 on: installs what is missing, builds three trees (plain, address and undefined
# sanitizers, thread sanitizer), runs the tests in them, and ends with the line `N passed, N failed`.
# Usage: tests/run.sh [--quick]; --quick leaves the sanitizers out. BUILD_ROOT names the folder for the trees.
set -u
ROOT=$(cd "$(dirname "$0")/.." && pwd)
BUILD_ROOT=${BUILD_ROOT:-$ROOT/build-tests}
JOBS=$(nproc)
quick=0
[ "${1:-}" = "--quick" ] && quick=1

PACKAGES="cmake make gcc libc6-dev pkg-config llvm-19-dev llvm-19-tools flex bison zlib1g-dev libzstd-dev libpng-dev
    libjpeg62-turbo-dev libcjson-dev libcmocka-dev librandom123-dev dataset-fashion-mnist clang-19 libclang-rt-19-dev
    clang-format-19 valgrind tmux python3 python3-numpy gzip qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross"

install_packages() {
    local missing=() package runner=()
    for package in $PACKAGES; do
        # Whatever provides a Python with numpy will do.
        if [ "$package" = python3-numpy ] && python3 -c 'import numpy' 2>/dev/null; then continue; fi
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    [ "$(id -u)" -eq 0 ] || runner=(sudo)
    "${runner[@]}" apt-get update -q &&
        "${runner[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

# build TREE OPTIONS...
build() {
    local tree=$BUILD_ROOT/$1
    shift
    cmake -S "$ROOT" -B "$tree" "$@" >"$tree.log" 2>&1 && cmake --build "$tree" -j "$JOBS" >>"$tree.log" 2>&1
}

passed=0
failed=0

# run_tests TREE CTEST-OPTIONS...: runs and counts. A test program counts as what it says of itself, else as one.
run_tests() {
    local tree=$BUILD_ROOT/$1 log=$BUILD_ROOT/$1.tests.log counts
    shift
    (cd "$tree" && ctest -V --no-tests=error "$@") >"$log" 2>&1
    grep -E '^[0-9]+: (FAIL|\[  FAILED)|^ *[0-9]+/[0-9]+ Test|runtime error|ERROR: (Address|Leak)|WARNING: Thread' "$log"
    counts=$(awk '
        match($0, /^[0-9]+: /) { id = substr($0, 1, RLENGTH - 2); line = substr($0, RLENGTH + 1) }
        line ~ /^[0-9]+ passed, [0-9]+ failed$/ { split(line, word, " "); good[id] += word[1]; bad[id] += word[3]; line = "" }
        line ~ /^\[  PASSED  \] [0-9]+ test/ { split(line, word, " "); good[id] += word[4]; line = "" }
        line ~ /^\[  FAILED  \] [0-9]+ test/ { split(line, word, " "); bad[id] += word[4]; line = "" }
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ {
            match($0, /#[0-9]+:/); id = substr($0, RSTART + 1, RLENGTH - 2); seen++
            if ($0 ~ / Passed /) { if (!good[id]) good[id] = 1 } else if (!bad[id]) bad[id] = 1
        }
        END { for (id in good) g += good[id]; for (id in bad) b += bad[id]; if (!seen) b = 1; print g + 0, b + 0 }' "$log")
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

# stage NAME DESCRIPTION OPTIONS... -- CTEST-OPTIONS...
stage() {
    local name=$1 options=() begin=$SECONDS
    echo "== $2"
    shift 2
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    if build "$name" "${options[@]}"; then
        run_tests "$name" "$@"
    else
        tail -n 40 "$BUILD_ROOT/$name.log"
        echo "the build failed: $BUILD_ROOT/$name.log"
        failed=$((failed + 1))
    fi
    echo "   $((SECONDS - begin)) s"
}

mkdir -p "$BUILD_ROOT"
install_packages || { echo "installing packages failed"; failed=$((failed + 1)); }
stage plain "plain" -- -j "$JOBS"
if [ $quick -eq 0 ]; then
    stage sanitized "address and undefined behaviour sanitizers" -DCNNC_SANITIZE=address,undefined -- \
        -j "$JOBS" -LE 'layout|docs|fuzz|targets|assembly'
    stage threads "thread sanitizer" -DCNNC_SANITIZE=thread -- -L threads
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
