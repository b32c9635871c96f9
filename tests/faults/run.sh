#!/bin/bash
# What goes wrong around the programs: files cut short, weights that lie, processes killed in mid-save.
# Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"

cat >tiny.cnn <<'CNN'
model tiny {
  input(6, 6, 1)
  conv(4, 3, activation=relu)
  flatten
  dense(2, activation=softmax)
}
data {
  format = idx
  path   = "data"
  train  = ["images.idx", "labels.idx"]
  test   = ["images.idx", "labels.idx"]
}
train { loss = cross_entropy }
CNN
sed -e 's/format = idx/format = npy/' -e 's/images.idx/x.npy/g' -e 's/labels.idx/t.npy/g' tiny.cnn >arrays.cnn
sed -e 's/format = idx/format = cifar/' -e 's/\["images.idx", "labels.idx"\]/["batch.bin"]/' \
    -e 's/input(6, 6, 1)/input(32, 32, 3)/' -e 's/dense(2/maxpool(15) -> flatten -> dense(10/' -e '/^  flatten/d' tiny.cnn >pictures.cnn
for model in tiny arrays pictures; do check "$model compiles" "$CNNC" $model.cnn; done
./pictures init --output pictures.safetensors
python3 "$HERE/make_faults.py" files
python3 "$HERE/make_faults.py" weights

# refuses NAME COMMAND...: exit 3, and at most one line that says what is wrong with which file.
refuses() { expect 3 "$@" && says "$1 says what is wrong" "error:"; }

# Every data file, cut at every byte (each eighth where there are many).
for cut in cut/*; do
    case $cut in
    *images* | *labels*) program=./tiny ;;
    *.npy*) program=./arrays ;;
    *) program=./pictures ;;
    esac
    refuses "$cut" $program eval --weights "$(basename $program).safetensors" --data "$cut"
done
for folder in lie/*; do refuses "$folder" ./tiny eval --weights tiny.safetensors --data "$folder"; done
for file in shaped/*.npy; do refuses "$file" ./tiny run --weights tiny.safetensors --input "$file" --output y.npy; done
for file in good/*.npy; do check "$file" ./tiny run --weights tiny.safetensors --input "$file" --output y.npy; done

# Weights: every way a header can be wrong, and every length of a good file.
for file in bad/*.safetensors; do refuses "$file" ./tiny run --weights "$file" --input x.npy --output y.npy; done
for file in well/*.safetensors; do check "$file" ./tiny run --weights "$file" --input x.npy --output y.npy; done
refused=0
size=$(stat -c %s tiny.safetensors)
for ((length = 0; length < size; length += 7)); do
    head -c $length tiny.safetensors >short.safetensors
    ./tiny run --weights short.safetensors --input x.npy --output y.npy >out 2>err
    [ $? -eq 3 ] && refused=$((refused + 1))
done
is "weights cut at every seventh byte" $refused $(((size + 6) / 7))

# Killed at random moments of a save: the old or the new file loads every time.
kills=${CNNC_TEST_KILLS:-120}
whole=0
./tiny init --output saved.safetensors
for ((i = 0; i < kills; i++)); do
    if ((i % 3)); then
        ./tiny init --seed $i --output saved.safetensors &
    else
        ./tiny train --epochs 1 --quiet --seed $i --save saved.safetensors &
    fi
    victim=$!
    sleep 0.00$((RANDOM % 9))
    kill -9 $victim
    wait $victim
    ./tiny run --weights saved.safetensors --input x.npy --output y.npy && whole=$((whole + 1))
done >/dev/null 2>&1
is "kill -9 during saves" "$whole" "$kills"

# Model files: cut at every byte, they compile or are refused, and nothing else.
odd=0
size=$(stat -c %s tiny.cnn)
for ((length = 0; length < size; length += 5)); do
    head -c $length tiny.cnn >short.cnn
    "$CNNC" --check short.cnn >out 2>err
    status=$?
    if [ $status -gt 1 ]; then
        odd=$((odd + 1))
        echo "a model of $length bytes: exit $status"
    fi
done
is "models cut at every fifth byte" $odd 0

# Sizes that overflow, and more than there is.
for text in 'input(9223372036854775807, 9223372036854775807, 3); conv(1, 3)' 'input(4, 4, 1); flatten; dense(9223372036854775807)' \
    'input(2147483648, 2147483648, 2147483648, 2); relu' 'input(65536, 65536, 65536); flatten; dense(65536)' \
    'input(8, 8, 1); conv(4294967296, 3); conv(4294967296, 3)' 'input(0, 4, 1); relu' 'input(-1); dense(1)' \
    'input(9223372036854775808); dense(1)' 'input(4, 4, 1); pad(9223372036854775807)'; do
    expect 1 "$text" "$CNNC" --check - <<<"model m { $text }"
done

# Files that cost more than they hold: their price is bounded, whether they are read or refused.
mkdir bombs && cd bombs || exit 1
python3 "$HERE/bombs.py"
printf 'model grey { input(8, 8, 1); flatten -> dense(2) -> softmax }\n' >grey.cnn
check "a model of images" "$CNNC" grey.cnn -o grey
check "its weights" ./grey init --output w.safetensors
# costs STATUS NAME COMMAND...: it exits so within two seconds of processor time, and 64 MB.
costs() {
    local wanted=$1 name=$2
    shift 2
    [ -n "$SANITIZE" ] && { expect "$wanted" "$name" "$@"; return; }
    expect 0 "$name" python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
assert status == int(sys.argv[1]), f"exit {status}"
assert used.ru_utime + used.ru_stime <= 2, f"{used.ru_utime + used.ru_stime} s"
assert used.ru_maxrss <= 64 << 10, f"{used.ru_maxrss} KB"' "$wanted" "$@"
}
for file in plain.png texts.png squeezed.png unknown.png comments.pgm; do
    costs 0 "$file" ./grey predict --weights w.safetensors $file
done
for file in scans.jpg digits.pgm tall.png sparse.png sparse.bin /dev/zero /dev/urandom; do
    costs 3 "$file as an image" ./grey predict --weights w.safetensors $file
done
for file in sparse.bin sparse.png /dev/zero; do
    costs 3 "$file as weights" ./grey predict --weights $file plain.png
    costs 3 "$file as an array" ./grey run --weights w.safetensors --input $file --output y.npy
done
[ -n "$SANITIZE" ] || costs 4 "/dev/zero as a model" "$CNNC" --check /dev/zero
cd ..

# One rule for what is written, in both programs.
mkdir links && cd links || exit 1
printf 'model m { input(4); dense(2) }\n' >m.cnn
for writer in "compiler:$CNNC m.cnn -o" "object:$CNNC --emit=obj m.cnn -o" "dot:$CNNC --emit=dot m.cnn -o" "weights:./maker init --output"; do
    name=${writer%%:*}
    read -r -a command <<<"${writer#*:}"
    [ "$name" = weights ] && check "a maker of weights" "$CNNC" m.cnn -o maker
    mkdir -p deep
    ln -s deep/target dangling
    check "$name through a link to nothing" "${command[@]}" dangling
    check "$name: the link stays" test -L dangling -a -s deep/target
    printf old >deep/target
    chmod 640 deep/target
    check "$name through a link" "${command[@]}" dangling
    mode=640
    [ "$name" = compiler ] && mode=750 # whoever may read a program may execute it
    is "$name: the mode" "$(stat -c %a deep/target)" $mode
    ln deep/target deep/other
    before=$(stat -c %i deep/other)
    check "$name where there is another name" "${command[@]}" deep/target
    is "$name: the other name keeps its file" "$(stat -c %i deep/other)" "$before"
    ln -s circle circle
    expect 4 "$name through a circle" "${command[@]}" circle
    mkdir folder
    expect 4 "$name over a folder" "${command[@]}" folder
    long=$(printf '%0251d' 0).out
    check "$name of a long name" "${command[@]}" "$long"
    expect 4 "$name of too long a name" "${command[@]}" "x$long"
    if [ "$(id -u)" -ne 0 ]; then
        chmod 400 deep/target
        expect 4 "$name over what may not be written" "${command[@]}" deep/target
    else
        chown 1234:1234 deep/target
        check "$name over another's file" "${command[@]}" deep/target
        is "$name: the owner" "$(stat -c %u:%g deep/target)" 1234:1234
    fi
    is "$name: nothing is left" "$(find . -name '.cnn*')" ""
    rm -rf deep dangling circle folder "$long"
done
cd ..
. "$HERE/calls.sh"
finish
