#!/usr/bin/env python3
"""dropout and drop_path while training against reference/drops.npz (make_drops.py): compare_drops.py CNNC trains each case of
drop_cases.py for one step, reads from the gradient which elements were dropped, and compares all of it with what PyTorch
makes of kept elements. A line a case: `ok CASE`, or `wrong CASE: why`."""
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import drop_cases as cases  # noqa: E402
import references as numbers  # noqa: E402
from compare_layers import GRADIENT, call  # noqa: E402


def changes(cnnc, case):
    """The gradients of a step, by tensor."""
    with open("drop.cnn", "w") as file: file.write(cases.source(case))
    call(cnnc, "drop.cnn")
    weights = cases.weights(case)
    numbers.write_safetensors("w.safetensors", weights)
    np.save("x.npy", np.eye(cases.CASES[case][0], dtype="f"))
    np.save("t.npy", cases.targets(case).astype("f"))
    call("./drop", "train", "--init", "w.safetensors", "--shuffle", "off", "--quiet", "--save", "s.safetensors")
    after = numbers.read_safetensors("s.safetensors")
    return {name: (value.astype(float) - after[name]) / cases.RATE for name, value in weights.items()}


def off(found, wanted):
    return np.linalg.norm(found - wanted) / max(np.linalg.norm(wanted), 1e-30)


def problems(case, reference, found):
    samples, shape, _ = cases.CASES[case]
    kept = found["before.weight"].T != 0
    wanted = {"before.weight": np.where(kept, reference[f"{case}/before"], 0).T,
              "after.weight": np.where(kept[:, None], reference[f"{case}/after"], 0).sum(0)}
    for name in wanted:
        if not off(found[name], wanted[name]) <= GRADIENT: yield f"{name} is off by {off(found[name], wanted[name]):.1e}"
    rows = cases.draws(case, kept.reshape(samples, *shape))
    if not (rows == rows[:, :1]).all(): yield "what is dropped together is not"
    rate, count = cases.rate(case), len(rows)
    missing = abs(rows[:, 0].sum() - count * (1 - rate))
    if not missing <= 4 * np.sqrt(count * rate * (1 - rate)): yield f"{rows[:, 0].sum()} of {count} are kept at a rate of {rate}"
    if 0 < rate < 1 and (kept == kept[0]).all(): yield "every sample drops the same"


if __name__ == "__main__":
    reference = np.load(os.path.join(HERE, "reference", "drops.npz"))
    for case in cases.CASES:
        try:
            wrong = list(problems(case, reference, changes(sys.argv[1], case)))
        except Exception as error:  # the other cases go on
            wrong = [repr(error)]
        print(f"wrong {case}: {'; '.join(wrong)}" if wrong else f"ok {case}", flush=True)
