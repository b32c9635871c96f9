#!/bin/bash
# Random valid models, each against a NumPy reference, its other ways of being compiled, 1 to 3 threads, a step of training
# and finite differences; and broken ones, which get one error in the right place. The layers are those of the compiler's own
# table: one that the generator does not make fails. CNNC_RANDOM_MODELS: how many (50; the long tier is 1000),
# CNNC_RANDOM_SEED: the first seed, CNNC_RANDOM_KEEP: a folder for the models that fail, CNNC_RANDOM_THOROUGH: all variants of
# every model. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
models=${CNNC_RANDOM_MODELS:-50}
[ -z "$SANITIZE" ] || models=${CNNC_RANDOM_MODELS:-12} # the sanitizers take several times as long
python3 -c 'import numpy' 2>"$WORK/err" || { echo "no python3 with numpy: not run"; finish; }
"$BUILD/tests/reference_page" >page || fail "the table of layers is printed"
PYTHONDONTWRITEBYTECODE=1 python3 "$HERE/check.py" "$CNNC" page "${CNNC_RANDOM_SEED:-1}" "$models" \
    ${CNNC_RANDOM_KEEP:+"$CNNC_RANDOM_KEEP"} >out 2>err || fail "the models are judged" "$(tail -5 err)"
while read -r word group count wrong; do
    [ "$word" = group ] || continue
    if [ "$wrong" -eq 0 ]; then
        echo "PASS: $group ($count checks)"
        pass
    else
        fail "$group: $wrong of $count checks; a line is a seed" "$(grep "^$group " out)"
    fi
done <out
tail -1 out
finish
