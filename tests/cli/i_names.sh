# Sourced by run.sh: whatever names hold, what both programs print has no control character but the newline, and JSON is JSON.
mkdir names && cd names || exit 1
HOSTILE=$'a\033[2J\nb\302\233c\342\200\250d\342\200\256e\377f\177g\tz'
# clean NAME [JSON]: the last command printed nothing raw; where JSON is asked for, each line of standard output is an object.
clean() {
    check "$1: no control characters" python3 -c '
import json, sys
for name in ("last", "err.kept"):
    data = open(sys.argv[1] + "/" + name, "rb").read()
    text = data.decode("utf-8")
    wrong = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or c in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
    assert not wrong, (name, wrong, text)
if len(sys.argv) > 2:
    for line in open(sys.argv[1] + "/last", encoding="utf-8"):
        json.loads(line)' "$WORK" "${@:2}"
}
# prints_clean STATUS NAME COMMAND...
prints_clean() {
    expect "$@"
    cp "$WORK/err" "$WORK/err.kept"
    clean "$2"
}
printf 'model named {\n  input(2, 2, 1)\n  flatten -> dense(3)\n}\ndata {\n  format = npy\n  path = "."\n  train = ["x.npy", "y.npy"]\n  test = ["x.npy", "y.npy"]\n  classes = ["%s", "b\\"c", "plain"]\n}\ntrain { loss = cross_entropy }\n' \
    'one' >named.cnn
check "the model of names" "$CNNC" named.cnn -o named
cp named.cnn "$HOSTILE.cnn"
python3 - "$HOSTILE" <<'PY'
import os, struct, sys
def npy(name, kind, shape, data):
    header = ("{'descr': '%s', 'fortran_order': False, 'shape': %s}" % (kind, shape)).encode()
    header += b" " * (117 - len(header)) + b"\n"
    open(name, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
npy("x.npy", "|u1", "(3, 2, 2, 1)", bytes(range(12)))
npy("y.npy", "|u1", "(3,)", bytes(range(3)))
open(b"h.npy", "wb").write(b"\x93NUMPY\x01\x00\x40\x00{'descr': '\x1b[2J\xff', 'fortran_order': False, 'shape': (3,)}     \n")
header = b'{"\\u001b[2J\\n\\u009b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
open("h.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + b"\0\0\0\0")
open(os.fsencode(sys.argv[1]) + b".pgm", "wb").write(b"P5 2 2 255\nabcd")
PY
check "weights of names" ./named init --output w.safetensors
prints_clean 0 "a hostile source" "$CNNC" --check "./$HOSTILE.cnn"
prints_clean 0 "a hostile source as JSON" "$CNNC" --check --format=json "./$HOSTILE.cnn"
prints_clean 4 "a hostile source that is not there" "$CNNC" --check "./$HOSTILE.no"
prints_clean 2 "a hostile option" "$CNNC" "--$HOSTILE" named.cnn
prints_clean 2 "a hostile value" "$CNNC" "--emit=$HOSTILE" named.cnn
prints_clean 2 "a hostile processor" "$CNNC" "--cpu=$HOSTILE" named.cnn
prints_clean 2 "a hostile target" "$CNNC" "--target=$HOSTILE" named.cnn
prints_clean 2 "a hostile model" "$CNNC" "--model=$HOSTILE" named.cnn
prints_clean 2 "a hostile definition" "$CNNC" -D "$HOSTILE=1" named.cnn
prints_clean 2 "a hostile code" "$CNNC" explain "$HOSTILE"
prints_clean 4 "a hostile linker" env CC="./$HOSTILE" "$CNNC" named.cnn -o n
prints_clean 4 "a hostile runtime" env CNNC_RUNTIME="./$HOSTILE" "$CNNC" named.cnn -o n
prints_clean 4 "a hostile output" "$CNNC" named.cnn -o "no/$HOSTILE"
printf 'model m {input(4);dense(2)}\n' >"$HOSTILE.fmt.cnn"
prints_clean 1 "a hostile file to format" "$CNNC" fmt --check "./$HOSTILE.fmt.cnn"
prints_clean 0 "a hostile file formatted" "$CNNC" fmt -v "./$HOSTILE.fmt.cnn"
printf 'model m { input(4); dense("%s") }\n' "$HOSTILE" >bytes.cnn
prints_clean 1 "hostile bytes in a model" "$CNNC" --check bytes.cnn
prints_clean 2 "a hostile verb" ./named "$HOSTILE"
prints_clean 2 "a hostile option of a program" ./named train "--$HOSTILE"
prints_clean 2 "a hostile number" ./named train --epochs "$HOSTILE"
prints_clean 4 "hostile weights" ./named predict --weights "./$HOSTILE" x
prints_clean 3 "hostile tensors" ./named run --weights h.safetensors --input x.npy --output y
prints_clean 3 "a hostile array" ./named run --weights w.safetensors --input h.npy --output y
prints_clean 2 "a hostile layer" ./named run --weights w.safetensors --input x.npy --output y --layer "$HOSTILE"
prints_clean 0 "a hostile picture" ./named predict --weights w.safetensors "./$HOSTILE.pgm"
is "a hostile picture: a line" "$(wc -l <"$WORK/last")" 1
prints_clean 0 "a hostile picture as JSON" ./named predict --json --weights w.safetensors "./$HOSTILE.pgm"
clean "a hostile picture as JSON" json
prints_clean 0 "a hostile output of training" ./named train --epochs 0 --save "./$HOSTILE.safetensors"
prints_clean 4 "hostile data" ./named train --data "./$HOSTILE"
prints_clean 0 "the confusion" ./named eval --weights w.safetensors --confusion
prints_clean 0 "eval as JSON" ./named eval --weights w.safetensors --json
clean "eval as JSON" json
cd ..
