#!/bin/bash
# A case is AREA/NAME.cnn with the exact standard error of `cnnc --check --color=never` in NAME.err; NAME.args holds further
# options. Imports of a case lie in AREA/parts/. Every code of the .def files must be met by some case, and be explained with
# an example that gives it.
# Usage: run.sh BUILD_DIR [--bless]; --bless writes the .err files from what the compiler says.
. "$(dirname "$0")/../checks.sh" "$@"
bless=${2:-}
: >"$WORK/codes"

# A case runs in its own folder, so that files are named as they would be by a user who stands there.
run_case() {
    local file=$1 name options=() status wanted=0
    name=$(basename "$file" .cnn)
    [ -f "$name.args" ] && read -r -a options <"$name.args"
    "$CNNC" --check --color=never "${options[@]}" "$file" >"$WORK/out" 2>"$WORK/err"
    status=$?
    "$CNNC" --check --format=json "${options[@]}" "$file" 2>&1 >"$WORK/out.json" |
        grep -oE '"code":"[EW][0-9]{4}"' | cut -d'"' -f4 >>"$WORK/codes"
    [ "$bless" = --bless ] && cp "$WORK/err" "$name.err"
    grep -qE '^[^ ].*: error: ' "$WORK/err" && wanted=1
    if [ ! -f "$name.err" ]; then
        fail "$2" "there is no $name.err"
    elif ! cmp -s "$WORK/err" "$name.err"; then
        fail "$2" "$(diff "$name.err" "$WORK/err" | head -n 20)"
    elif [ $status -ne $wanted ]; then
        fail "$2" "exit $status where $wanted was expected"
    else
        pass
        printf 'PASS: %s\n' "$2"
    fi
}

for folder in "$HERE"/*/; do
    area=$(basename "$folder")
    cd "$folder" || exit 1
    for file in *.cnn; do
        [ -f "$file" ] && run_case "$file" "diag/$area/${file%.cnn}"
    done
done

# The example that explain shows of a code, as a file that gives it. What cannot be shown to the letter is put in here.
write_example() { # CODE FILE
    sed -e '1,/^Example:$/d' "$WORK/last" | sed -e 1d -e 's/^    //' >"$WORK/example"
    case $1 in
    E0001 | E0002 | E0182) printf '%b' "$(cat "$WORK/example")" >"$2" ;; # bytes are written as escapes
    E0027) echo "const a = 1$(printf '%04001d' 0 | sed 's/0/ + 1/g')" >"$2" ;;
    E0012) sed -E "s/\\(+1\\)+/$(printf '%01001d' 0 | tr 0 '(')1$(printf '%01001d' 0 | tr 0 ')')/" "$WORK/example" >"$2" ;;
    E0122) cp "$WORK/example" "$2"; echo 'const depth = 4' >has_depth_too.cnn ;;
    *) cp "$WORK/example" "$2" ;;
    esac
}

# Its first line may say which options and which file's name it needs: `# cnnc OPTIONS FILE`.
example_gives_code() { # CODE
    local words=(model.cnn) file
    if [[ $(sed -n '/^Example:$/{n;n;p;}' "$WORK/last") =~ ^\ *(#|//)\ cnnc\ (.*)$ ]]; then
        read -r -a words <<<"${BASH_REMATCH[2]}"
    fi
    file=${words[-1]}
    write_example "$1" "$file"
    "$CNNC" --check --format=json "${words[@]:0:${#words[@]}-1}" "$file" >"$WORK/json" 2>&1
    grep -q "\"code\":\"$1\"" "$WORK/json" || { cat "$WORK/example" "$WORK/json" >&2; false; }
}
mkdir "$WORK/examples" && cd "$WORK/examples" || exit 1

for code in $(grep -ohE '"[EW][0-9]{4}"' "$ROOT"/compiler/diag/*.def | tr -d '"' | sort); do
    if grep -qx "$code" "$WORK/codes"; then pass; else fail "$code is covered" "no case meets it"; fi
    check "explain $code" "$CNNC" explain "$code" && check "the example of $code gives it" example_gives_code "$code"
done
# The C compiler checks a call's arguments against the format of its row: the right ones pass, no others do.
call_compiles() { # ARGUMENTS
    printf '#include "diag/diag.h"\nvoid call(Diag *d, Span at) { diag(d, at, %s); }\n' "$1" >"$WORK/call.c"
    $CC -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I "$ROOT/compiler" "$WORK/call.c"
}
cd "$WORK" || exit 1
check "the right arguments compile" call_compiles 'E_FOR_LIST, "a number"'
for call in 'E_FOR_LIST, 3' 'E_FOR_LIST' 'E_FOR_LIST, "a number", 3' 'E_DIVISION_BY_ZERO, 1' 'E_MILESTONE_ORDER, 1, 2'; do
    expect 1 "diag($call) does not compile" call_compiles "$call"
    says "diag($call) is refused for its format" 'Werror=format'
done
repeated=$(grep -ohE '"[EW][0-9]{4}"' "$ROOT"/compiler/diag/*.def | sort | uniq -d)
is "codes are unique" "$repeated" ""
finish
