# metrics of binary_cross_entropy: the fraction on the right side, the absolute error of the probabilities, or both, against numpy.

python3 -c '
import numpy as np
r = np.random.default_rng(3)
np.save("mx.npy", r.normal(size=(37, 5)).astype(np.float32))
np.save("mt.npy", r.uniform(size=(37, 2)).astype(np.float32))'

# metrics_of NAME METRICS LAYERS: eval with these metrics gives those of its name, as numpy computes them of run's output.
metrics_of() {
    cat >metrics.cnn <<END
model metrics { input(5); $3 }
data { format = npy; train = ["mx.npy", "mt.npy"]; test = ["mx.npy", "mt.npy"] }
train { loss = binary_cross_entropy; $2; epochs = 2; batch = 8; optimizer = adam(lr=0.02) }
END
    check "$1: compile" "$CNNC" metrics.cnn -o metrics
    check "$1: train" ./metrics train --save m.safetensors --log m.jsonl
    check "$1: run" ./metrics run --weights m.safetensors --input mx.npy --output my.npy
    expect 0 "$1: eval" ./metrics eval --weights m.safetensors --json &&
        check "$1: the numbers" python3 -c '
import json, sys
import numpy as np
got, line = json.load(open("last")), json.loads(open("m.jsonl").readlines()[-1])
y, t = np.load("my.npy").astype(float), np.load("mt.npy").astype(float)
p = y if "sigmoid" in sys.argv[1] else 1 / (1 + np.exp(-y))
reference = {"accuracy": ((p > 0.5) == (t > 0.5)).mean(), "mae": abs(p - t).mean()}
wanted = {name for name in reference if name in sys.argv[2] or (name == "accuracy" and not sys.argv[2])}
assert {name for name in reference if name in got} == wanted, got
assert {name for name in reference if name in line} == wanted, line
assert 0 < reference["accuracy"] < 1 and 0.05 < reference["mae"] < 0.5, reference
for name in wanted: assert abs(got[name] - reference[name]) < 1e-6, (name, got, reference)' "$3" "$2"
}
metrics_of "mae alone" "metrics = [mae]" "dense(2)"
metrics_of "both metrics" "metrics = [accuracy, mae]" "dense(6, activation=relu) -> dense(2, activation=sigmoid)"
metrics_of "accuracy alone" "metrics = accuracy" "dense(2)"
metrics_of "the default metric" "" "dense(2) -> sigmoid"
