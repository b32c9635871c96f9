#!/bin/bash
# The documents say what the programs do: the reference of the language is what the operators' rows give, and the models
# and outputs that documents show are right. Usage: run.sh BUILD_DIR [--bless]; --bless rewrites the reference.
. "$(dirname "$0")/../checks.sh" "$@"
page=$ROOT/compiler/LANGUAGE.md
marker='<!-- From here on: printed by tests/docs/reference_page from the operators themselves. -->'

expect 0 "the reference prints" "$BUILD/tests/reference_page"
{ awk -v marker="$marker" '{ print } $0 == marker { exit }' "$page"; cat out; } >expected.md
if [ "${2:-}" = --bless ]; then cp expected.md "$page"; fi
if diff -u "$page" expected.md >difference; then
    pass
else
    fail "compiler/LANGUAGE.md is not what the operators' rows give; tests/docs/run.sh BUILD_DIR --bless rewrites it" \
        "$(head -n 20 difference)"
fi

# Every layer says what shape comes out.
while read -r kind; do
    fail "the page of $kind has no shape: its row wants .gives"
done < <(awk '/^## / { on = $2 == "Layers" || $2 == "Activations" } /^##/ { if (kind) print kind; kind = /^### / && on ? $2 : "" }
    /^Shape: / { kind = "" } END { if (kind) print kind }' expected.md)
pass

# What has a page can be asked about, and gets the same text.
while read -r kind; do
    check "explain $kind" "$CNNC" explain "$kind" || continue
    awk -v heading="### $kind" '/^##/ { inside = $0 == heading; next } inside' expected.md | sed -e 1d -e '$ { /^$/d }' >page
    if diff page out >difference; then pass; else fail "explain $kind is not its page" "$(head -n 5 difference)"; fi
done < <(sed -n 's/^### //p' expected.md)

# The tables of formats name every one that is built.
while read -r word; do
    check "compiler/LANGUAGE.md has the format $word" grep -q "^| \`format\` .*\`$word\`" "$page"
done < <(sed -n 's/^FORMAT(.*, \(.*\))$/\1/p' "$ROOT/runtime/formats.def")

# The example of every page compiles in a small model: behind an image or a vector, the values that a merge names bound first.
compiles() { "$CNNC" -O0 --emit=llvm-ir example.cnn -o example.ll 2>errors; }
layer_compiles() { # EXAMPLE
    local input name names=''
    if [[ $1 =~ ^[a-z]+\(([a-z]+),\ ([a-z]+)\)$ ]]; then
        for name in "${BASH_REMATCH[@]:1}"; do names+="  $name = it -> relu"$'\n'; done
    fi
    for input in '12, 12, 4' 16; do
        printf 'model example {\n  input(%s)\n%s  %s\n}\n' "$input" "$names" "$1" >example.cnn
        compiles && return
    done
    return 1
}
setting_compiles() { # SETTINGS...
    { printf 'model example {\n  input(4)\n  dense(3)\n}\ntrain {\n'; printf '  %s\n' "$@"; printf '}\n'; } >example.cnn
    compiles
}
example_compiles() { # SECTION EXAMPLE
    case $1 in
    Layers | Activations) layer_compiles "$2" ;;
    Losses) setting_compiles "loss = $2" ;;
    Optimizers) setting_compiles 'loss = mse' "optimizer = $2" ;;
    Schedules) setting_compiles 'loss = mse' "schedule = $2" ;;
    *) echo "no model for the examples of $1" >errors; false ;;
    esac
}
# With every default of its table written out it is the same model.
export PYTHONDONTWRITEBYTECODE=1
python3 "$HERE/page.py" defaults expected.md >examples || fail "the page has an example for everything"
while IFS='|' read -r section example spelled_out; do
    example_compiles "$section" "$example" && pass || fail "the example $example compiles" "$(head -n 5 errors)"
    [ "$example" != "$spelled_out" ] || continue
    cp example.ll short.ll
    example_compiles "$section" "$spelled_out" && pass || fail "$spelled_out compiles" "$(head -n 5 errors)"
    same "$example and $spelled_out" short.ll example.ll
done <examples
is "every page has an example" "$(wc -l <examples)" "$(awk -v marker="$marker" '$0 == marker { on = 1 } on && /^### /' expected.md | wc -l)"

# The models of the page have every word of the language in them.
check "the page's words are read" python3 "$HERE/page.py" words "$page" && is "every word is in a model" "$(cat out)" ""

# Whole models in the documents pass --check: a fenced block that holds `model`. They may import the blocks of the examples.
cp -r "$ROOT/examples/blocks" .
extract_models() {
    awk -v out="$2" '/^```/ { inside = !inside; if (inside) { n++; text = "" } else if (text ~ /(^|\n)model /) {
        file = out "_" n ".cnn"; printf "%s", text > file; close(file) } ; next } inside { text = text $0 "\n" }' "$1"
}
for document in README.md compiler/LANGUAGE.md examples/README.md; do
    extract_models "$ROOT/$document" "$(basename "$document" .md)"
done
for model in *_*.cnn; do
    [ -f "$model" ] && check "$model checks" "$CNNC" --check "$model"
done
finish
