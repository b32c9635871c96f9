# Sourced by the run.sh of a test folder: `. "$(dirname "$0")/../checks.sh" "$@"`. Takes the build folder, gives the names of
# the programs, an empty folder to work in that is the current one, and the checks; `finish` prints the count and exits.

set -u
BUILD=$(cd "${1:?usage: run.sh BUILD_DIR}" && pwd)
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CNNC=${CNNC_TEST_COMPILER:-$BUILD/cnnc} # a test of other processors puts its own in between
GENERATORS=$BUILD/examples
SANITIZE=${CNNC_TEST_SANITIZE:-}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/cnnc-test.XXXXXX")
trap 'chmod -R u+w "$WORK" 2>/dev/null; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1
export LC_ALL=C CC=${CC:-cc}
passed=0
failed=0

pass() { passed=$((passed + 1)); }

# fail NAME [TEXT...]: counts a failure and shows what is known of it.
fail() {
    failed=$((failed + 1))
    printf 'FAIL: %s\n' "$1"
    shift
    [ $# -eq 0 ] || printf '    %s\n' "$@"
}

# check NAME COMMAND...: the command succeeds.
check() { expect 0 "$@"; }

# expect STATUS NAME COMMAND...: the command exits with that status. Its output stays in the files `out` and
# `err`; the command itself finds what the one before it printed in `last`.
expect() {
    local wanted=$1 name=$2 status
    shift 2
    [ ! -f "$WORK/out" ] || cp "$WORK/out" "$WORK/last"
    "$@" >"$WORK/out" 2>"$WORK/err"
    status=$?
    if [ $status -eq "$wanted" ]; then
        pass
    else
        fail "$name" "exit $status where $wanted was expected: $*" "$(tail -n 8 "$WORK/err")"
        return 1
    fi
}

# says NAME TEXT: the last command's standard error contains the text. prints: the same of standard output.
says() {
    if grep -qF -e "$2" "$WORK/err"; then pass; else fail "$1" "standard error lacks '$2':" "$(head -n 8 "$WORK/err")"; fi
}
prints() {
    if grep -qF -e "$2" "$WORK/out"; then pass; else fail "$1" "standard output lacks '$2':" "$(head -n 8 "$WORK/out")"; fi
}

# same NAME FILE FILE: the same bytes. differs: not the same.
same() { if cmp -s "$2" "$3"; then pass; else fail "$1" "$2 and $3 differ"; fi; }
differs() { if cmp -s "$2" "$3"; then fail "$1" "$2 and $3 are the same"; else pass; fi; }

# is NAME VALUE EXPECTED: two strings are equal.
is() { if [ "$2" = "$3" ]; then pass; else fail "$1" "'$2' where '$3' was expected"; fi; }

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
