#!/usr/bin/env bash
# What is drawn on a terminal, as tmux shows it: the line of a training fits the width, also one that changes, and leaves nothing
# behind; elsewhere it is plain lines. Usage: run.sh BUILD_DIR
. "$(dirname "$0")/../checks.sh" "$@"
command -v tmux >/dev/null || { echo "SKIP: tmux is missing: nothing is drawn"; finish; }

cat >net.cnn <<'CNN'
model net {
  input(16, 16, 3)
  conv(48, 3, padding=same) -> relu -> conv(48, 3, padding=same) -> relu -> flatten -> dense(10)
}
data {
  format = npy
  path = "."
  train = ["x.npy", "y.npy"]
  scale = 1/255
}
train {
  loss = cross_entropy
  metrics = [accuracy]
  optimizer = sgd(lr=0.001)
}
CNN
python3 - <<'PY'
import struct
def npy(name, shape, data):
    header = ("{'descr': '|u1', 'fortran_order': False, 'shape': %s}" % shape).encode()
    header += b" " * (117 - len(header)) + b"\n"
    open(name, "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
npy("x.npy", "(6000, 16, 16, 3)", bytes(i * 7 % 251 for i in range(768)) * 6000)
npy("y.npy", "(6000,)", bytes(i % 10 for i in range(6000)))
PY
check "the program compiles" "$CNNC" net.cnn -o net

SOCKET=$WORK/socket
terminal() { tmux -S "$SOCKET" "$@"; }
ends_terminal() {
    terminal kill-server
    while terminal ls >/dev/null 2>&1; do sleep 0.05; done
}
trap 'terminal kill-server 2>/dev/null; chmod -R u+w "$WORK"; rm -rf "$WORK"' EXIT

# shows PATTERN: some line of the pane is that, within ten seconds.
shows() {
    local i
    for ((i = 0; i < 200; i++)); do
        terminal capture-pane -p -t pane >screen 2>/dev/null
        grep -qE -e "$1" screen && return
        sleep 0.05
    done
    cat screen >&2
    return 1
}
# fits NAME: the live line is all that is there.
fits() { is "$1: lines" "$(grep -c . screen)" 1; }

# at WIDTH PATTERN: what a training shows of its first epoch there, and of its second.
at() {
    local width=$1 pattern=$2
    terminal -f /dev/null new-session -d -s pane -x "$width" -y 12 \
        "TERM=xterm COLUMNS= exec '$WORK/net' train --epochs 1000 --threads 1 --save '$WORK/w.safetensors'"
    check "$width columns: a live line" shows "$pattern"
    fits "$width columns"
    check "$width columns: the second epoch" shows '^epoch 2/1000( |$)'
    is "$width columns: a line an epoch" "$(grep -c '^epoch [12]/' screen)" 2
}
at 120 '^epoch 1/1000 \[[=.]{24}\]  [0-9]+ samples/s  [0-9]+:[0-9]{2} left  loss [0-9.]+  accuracy [0-9.]+$'
ends_terminal
at 80 '^epoch 1/1000 \[[=.]{12}\]  [0-9]+:[0-9]{2} left  loss [0-9.]+  accuracy [0-9.]+$'
# Narrower while it runs: the next line fits.
terminal resize-window -t pane -x 40
terminal clear-history -t pane
check "narrowed to 40 columns" shows '^epoch [0-9]+/1000  [0-9]+:[0-9]{2} left  loss [0-9.]+$'
ends_terminal
at 40 '^epoch 1/1000  [0-9]+:[0-9]{2} left  loss [0-9.]+$'
ends_terminal
at 20 '^epoch 1/1000$'
ends_terminal

# No terminal, or one that can do nothing: plain lines without a control character.
check "not a terminal" ./net train --epochs 2 --limit 640 --save w.safetensors
check "not a terminal: lines" python3 -c '
import sys
text = open(sys.argv[1]).read()
assert "\x1b" not in text and "\r" not in text and text.count("epoch ") == 2, text' last
terminal -f /dev/null new-session -d -s pane -x 80 -y 12 \
    "TERM=dumb '$WORK/net' train --epochs 2 --limit 640 --save '$WORK/w.safetensors' >/dev/tty; sleep 30"
check "a dumb terminal" shows '^weights: '
check "a dumb terminal: lines" test "$(grep -c '^epoch ' screen)" -eq 2
ends_terminal

# The compiler's diagnostics: colours on a terminal, none elsewhere.
printf 'model m { input(4, 4, 1); conv(0, 3) }\n' >wrong.cnn
terminal -f /dev/null new-session -d -s pane -x 80 -y 12 "TERM=xterm '$CNNC' --check wrong.cnn; sleep 30"
check "a diagnostic" shows 'error:'
terminal capture-pane -e -p -t pane >screen
check "a diagnostic has colours" grep -q $'\x1b\[' screen
ends_terminal
expect 1 "a diagnostic elsewhere" "$CNNC" --check wrong.cnn
check "a diagnostic elsewhere has none" bash -c "! grep -q $'\x1b' '$WORK/last' && ! grep -q $'\x1b' '$WORK/err'"
finish
