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

# Every layer of the table has its own heading and can be asked about.
while read -r kind; do
    check "explain $kind" "$CNNC" explain "$kind"
done < <(sed -n 's/^### //p' expected.md)

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
