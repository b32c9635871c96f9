#!/usr/bin/env python3
"""Training and inference side by side with PyTorch (2.13, CPU): the two Keras nets, batch 64, made-up data of their shape.

Every measurement is a process of its own; the contenders take turns, several rounds, and the table gives medians of the rounds.
Ours is the compiled model's own `bench`. PyTorch runs eagerly with contiguous and with channels_last tensors, and compiled
where --compile is given; malloc keeps its memory between steps, as a long training run would have it.
Usage: compare.py BUILD_DIR [--threads 2] [--rounds 7] [--seconds 2] [--batch 64] [--compile]"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = ("keras_sequential", "keras_functional")


def torch_model(name):
    from torch import nn

    filters, dense = {"keras_sequential": ((32, 64, 64), (576, 64, 10)), "keras_functional": ((32, 64, 128), (1152, 10))}[name]
    layers, channels = [], 1
    for i, count in enumerate(filters):
        layers += [nn.Conv2d(channels, count, 3), nn.ReLU()] + ([nn.MaxPool2d(2)] if i < 2 else [])
        channels = count
    layers.append(nn.Flatten())
    for i, (inputs, units) in enumerate(zip(dense, dense[1:])):
        layers += [nn.Linear(inputs, units)] + ([nn.ReLU()] if i + 2 < len(dense) else [])
    return nn.Sequential(*layers)


def median_ms(run, seconds):
    """The median of the runs that fit into the time, the first ones left out."""
    end = time.perf_counter() + seconds * 0.3
    while time.perf_counter() < end:
        run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e3


def torch_worker(name, kind, batch, threads, seconds):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = torch_model(name)
    x, y = torch.rand(batch, 1, 28, 28), torch.randint(10, (batch,))
    if kind == "channels_last":
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    compute = torch.compile(model) if kind == "compiled" else model

    def step():
        optimizer.zero_grad()
        F.cross_entropy(compute(x), y).backward()
        optimizer.step()

    def infer(samples):
        with torch.inference_mode():
            compute(samples)

    result = {"train": median_ms(step, seconds)}
    model.eval()
    result["inference"] = median_ms(lambda: infer(x), seconds)
    result["inference_one"] = median_ms(lambda: infer(x[:1]), seconds)
    print(json.dumps(result))


def measure(name, kind, options, program):
    threads, seconds = str(options.threads), str(options.seconds)
    environment = os.environ | {"OMP_NUM_THREADS": threads, "MALLOC_MMAP_THRESHOLD_": "1073741824",
                                "MALLOC_TRIM_THRESHOLD_": "2147483648", "MALLOC_TOP_PAD_": "268435456"}  # fmt: skip
    if kind == "cnnc":
        command = [program, "bench", "--json", "--batch", str(options.batch), "--threads", threads, "--seconds", seconds]
    else:
        command = [sys.executable, __file__, "--worker", name, kind, str(options.batch), threads, seconds]
    result = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
    if kind == "cnnc":
        result = {what: result[what]["median_ms"] for what in ("train", "inference", "inference_one")}
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    kinds = ["cnnc", "contiguous", "channels_last"] + (["compiled"] if options.compile else [])
    with tempfile.TemporaryDirectory() as folder:
        for name in MODELS:
            program = os.path.join(folder, name)
            source = os.path.join(HERE, "..", "..", "examples", name + ".cnn")
            subprocess.run([os.path.join(options.build, "cnnc"), source, "-o", program], check=True)
            rounds = {kind: [] for kind in kinds}
            for _ in range(options.rounds):
                for kind in kinds:
                    rounds[kind].append(measure(name, kind, options, program))
            table(name, rounds, options)


def table(name, rounds, options):
    print(f"\n{name}: batch {options.batch}, {options.threads} threads, {options.rounds} rounds, medians in ms")
    print(f"{'':16}" + "".join(f"{what:>16}{'against cnnc':>14}" for what in ("train", "inference", "one sample")))
    whats = ("train", "inference", "inference_one")
    medians = {kind: {w: statistics.median(r[w] for r in results) for w in whats} for kind, results in rounds.items()}
    for kind, values in medians.items():
        cells = "".join(f"{values[w]:16.3f}{values[w] / medians['cnnc'][w]:13.2f}x" for w in whats)
        print(f"{kind:16}{cells}")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--worker":
        name, kind, batch, threads, seconds = sys.argv[2:]
        torch_worker(name, kind, int(batch), int(threads), float(seconds))
    else:
        main()
