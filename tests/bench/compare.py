#!/usr/bin/env python3
"""cnnc's compiled models beside their peers: PyTorch eager (contiguous and channels_last) and compiled, ONNX Runtime, OpenVINO.

Every measurement is a process of its own; the contenders take turns, several rounds; the tables give medians of the rounds,
in ms for cnnc and as a multiple of cnnc's for the peers. `best / cnnc` is the fastest peer: above 1, cnnc is faster. The tables
go to standard output, ready for README.md; what happens goes to standard error. Peers that are not installed are left out."""
import argparse
import collections
import datetime
import importlib.metadata
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

from nets import FASHION, NETS, ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
Peer = collections.namedtuple("Peer", "title package works spatial")
TRAINS, INFERS = ("train", "inference", "one"), ("inference", "one")
PEERS = {
    "contiguous": Peer("PyTorch", "torch", TRAINS + ("epochs",), (1, 2)),
    "channels_last": Peer("channels_last", "torch", TRAINS + ("epochs",), (2,)),
    "compile": Peer("torch.compile", "torch", TRAINS, (1, 2)),
    "compile_channels_last": Peer("compile, channels_last", "torch", TRAINS, (2,)),
    "onnxruntime": Peer("ONNX Runtime", "onnxruntime", INFERS, (1, 2)),
    "openvino": Peer("OpenVINO", "openvino", INFERS, (1, 2)),
}
DEFAULT_PEERS = [name for name in PEERS if name != "compile"]
WORKS = ("train", "inference", "one", "epochs")
EPOCHS = 5


class Failed(Exception):
    """A process that did not do what it was started for; the text says which and why."""


def note(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = lambda known: lambda text: pick(parser, text.split(","), known)
    parser.add_argument("build", help="the build folder, with cnnc in it")
    parser.add_argument("--nets", type=listed(NETS), default=list(NETS), metavar="LIST", help=", ".join(NETS))
    parser.add_argument("--peers", type=listed(PEERS), default=DEFAULT_PEERS, metavar="LIST",
                        help=f"{', '.join(PEERS)}; all but compile are the default")
    parser.add_argument("--work", type=listed(WORKS), default=list(WORKS), metavar="LIST", help=", ".join(WORKS))
    parser.add_argument("--rounds", type=int, default=2, help="of each measurement (2); the epochs have half as many")
    parser.add_argument("--seconds", type=float, default=1, help="that a measurement lasts (1)")
    parser.add_argument("--threads", type=int, default=2, help="for all (2)")
    parser.add_argument("--batch", type=int, default=64, help="of training and of inference (64)")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="Fashion-MNIST, for the epochs")
    parser.add_argument("--json", metavar="FILE", help="every single measurement, in ms (the epochs in seconds)")
    return parser.parse_args()


def pick(parser, wanted, known):
    for name in wanted:
        if name not in known:
            parser.error(f"'{name}' is none of {', '.join(known)}")
    return wanted


def call(command, options):
    """What a process printed. malloc keeps its memory between steps, as a long run would have it."""
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads), "MALLOC_MMAP_THRESHOLD_": "1073741824",
                                "MALLOC_TRIM_THRESHOLD_": "2147483648", "MALLOC_TOP_PAD_": "268435456"}  # fmt: skip
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        raise Failed(f"{shlex.join(command)}: longer than 15 minutes")
    except OSError as error:
        raise Failed(f"{shlex.join(command)}: {error.strerror}")
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Failed(f"{shlex.join(command)}: exit {done.returncode}: {last}")
    return done.stdout


def worker(task, options):
    task |= {"batch": options.batch, "threads": options.threads, "seconds": options.seconds}
    return json.loads(call([sys.executable, os.path.join(HERE, "worker.py"), json.dumps(task)], options).splitlines()[-1])


def prepare(name, net, onnx, cnnc, folder, options):
    """The compiled program, and the ONNX files where a peer takes them. Both sides must have the same parameters."""
    ours = json.loads(call([cnnc, "--check", "--format=json", os.path.join(ROOT, net.source)], options))["parameters"]
    if options.peers:
        theirs = worker({"net": name, "peer": "prepare", "onnx": onnx, "folder": folder}, options)["parameters"]
        if theirs != ours:
            raise Failed(f"{name}: {ours} parameters in {net.source}, {theirs} in PyTorch")
    program = os.path.join(folder, os.path.basename(net.source)[: -len(".cnn")])
    call([cnnc, os.path.join(ROOT, net.source), "-o", program], options)
    return program


def measure_cnnc(program, options):
    command = [program, "bench", "--json", "--batch", options.batch, "--threads", options.threads, "--seconds", options.seconds]
    result = json.loads(call([str(word) for word in command], options))
    return {"train": result["train"]["median_ms"], "inference": result["inference"]["median_ms"],
            "one": result["inference_one"]["median_ms"]}  # fmt: skip


def take_turns(name, contenders, measure_one, rounds):
    """A list of results, one a round, for each contender; without cnnc there is nothing to compare."""
    results = collections.defaultdict(list)
    for _ in range(rounds):
        for contender in list(contenders):
            try:
                results[contender].append(measure_one(contender))
            except Failed as failure:
                if contender == "cnnc":
                    raise
                note(f"{name}: {contender} is left out: {failure}")
                contenders.pop(contender)
    return dict(results)


def measure_net(name, cnnc, folder, options):
    """Milliseconds for each kind of work."""
    net, works = NETS[name], [work for work in options.work if work != "epochs"]
    onnx = any(PEERS[peer].package != "torch" for peer in options.peers) and bool(set(works) & set(INFERS))
    program = prepare(name, net, onnx, cnnc, folder, options)
    contenders = {"cnnc": works}
    for peer in options.peers:
        works_of_peer = [work for work in works if work in PEERS[peer].works]
        if works_of_peer and net.spatial in PEERS[peer].spatial:
            contenders[peer] = works_of_peer

    def measure_one(peer):
        if peer == "cnnc":
            return measure_cnnc(program, options)
        return worker({"net": name, "peer": peer, "work": contenders[peer], "folder": folder}, options)

    return take_turns(name, contenders, measure_one, options.rounds)


def measure_epochs(name, cnnc, folder, options):
    """Seconds from the start of a process to saved weights, one a round, for each contender."""
    if not os.path.isdir(options.data):
        raise Failed(f"{options.data}: no such folder (Debian's dataset-fashion-mnist, or --data)")
    program = prepare(name, FASHION, False, cnnc, folder, options)
    saved = os.path.join(folder, "saved")
    commands = {"cnnc": [program, "train", "--quiet", "--data", options.data, "--epochs", EPOCHS, "--batch", options.batch,
                         "--threads", options.threads, "--save", saved]}  # fmt: skip
    script = [sys.executable, os.path.join(HERE, "epochs.py")]
    for peer in options.peers:
        if "epochs" in PEERS[peer].works:
            commands[peer] = script + [peer, options.data, EPOCHS, options.batch, options.threads, saved]

    def measure_one(peer):
        begin = time.perf_counter()
        call([str(word) for word in commands[peer]], options)
        return {"epochs": time.perf_counter() - begin}

    return take_turns(name, commands, measure_one, max(1, options.rounds // 2))


def medians(results, work):
    """A contender's median of the rounds, for those who did this work."""
    done = {peer: [result[work] for result in rounds if work in result] for peer, rounds in results.items()}
    return {peer: statistics.median(times) for peer, times in done.items() if times}


def table(title, work, measured, options):
    peers = [peer for peer in options.peers if work in PEERS[peer].works]
    print(f"\n| {title} | cnnc | {''.join(PEERS[peer].title + ' | ' for peer in peers)}best / cnnc |")
    print("| --- |" + (len(peers) + 2) * " --- |")
    for name, results in measured.items():
        times = medians(results, work)
        ours = times.pop("cnnc")
        cells = [f"{times[peer] / ours:.2f}x" if peer in times else "" for peer in peers]
        best = f"**{min(times.values()) / ours:.2f}x**" if times else ""
        print(f"| {name} | {ours:.4g} | {''.join(cell + ' | ' for cell in cells)}{best} |")


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else "unknown processor"


def command(options):
    """The options that what was measured depends on, as somebody would type them."""
    words = ["compare.py", "BUILD_DIR"]
    for name, whole in (("nets", list(NETS)), ("peers", DEFAULT_PEERS), ("work", list(WORKS))):
        if getattr(options, name) != whole:
            words += [f"--{name}", ",".join(getattr(options, name))]
    for name in ("threads", "batch", "rounds", "seconds"):
        words += [f"--{name}", f"{getattr(options, name):g}"]
    return shlex.join(words)


def report(nets, epochs, versions, options):
    said = ", ".join(f"{package} {version}" for package, version in versions.items())
    print(f"{machine()}, {datetime.date.today():%-d %B %Y}, `{command(options)}`: {said}.")
    titles = {"train": f"a training step of {options.batch}, ms", "inference": f"inference of {options.batch}, ms",
              "one": "inference of one, ms"}  # fmt: skip
    for work, title in titles.items():
        if work in options.work and nets:
            table(title, work, nets, options)
    if epochs:
        table(f"{EPOCHS} epochs of Fashion-MNIST, s", "epochs", epochs, options)


def installed(options):
    """Leaves out the peers that are not there; the versions of those that are."""
    versions, wanted, options.peers = {}, options.peers, []
    for peer in wanted:
        package = PEERS[peer].package
        try:
            for need in ["torch"] if package == "torch" else ["torch", "onnx", "onnxscript", package]:
                version = importlib.metadata.version(need)
            versions[package] = version
            options.peers.append(peer)
        except importlib.metadata.PackageNotFoundError:
            note(f"{peer} is left out: {need} is not installed")
    return versions


def save(nets, epochs, versions, options):
    if options.json:
        result = {"machine": machine(), "options": vars(options), "versions": versions, "nets": nets, "epochs": epochs}
        with open(options.json, "w") as file:
            json.dump(result, file, indent=1)


def measure(nets, epochs, versions, options):
    """Fills both with what could be measured; False where something could not."""
    cnnc, whole = os.path.join(options.build, "cnnc"), True
    jobs = {name: (nets, measure_net) for name in options.nets if set(options.work) & set(TRAINS)}
    if "epochs" in options.work:
        jobs["fashion"] = (epochs, measure_epochs)
    with tempfile.TemporaryDirectory() as folder:
        for name, (results, work) in jobs.items():
            begin = time.perf_counter()
            try:
                results[name] = work(name, cnnc, folder, options)
                note(f"{name}: {time.perf_counter() - begin:.0f} s")
            except Failed as failure:
                note(f"{name} is left out: {failure}")
                whole = False
            save(nets, epochs, versions, options)
    return whole


def main():
    options = arguments()
    versions, nets, epochs = installed(options), {}, {}
    if os.getloadavg()[0] > 0.5:
        note(f"the machine is busy with something else (load {os.getloadavg()[0]:.1f}): the times will be too long")
    try:
        status = 0 if measure(nets, epochs, versions, options) else 1
    except KeyboardInterrupt:
        note("interrupted; the tables have what was measured until then")
        status = 130
    report(nets, epochs, versions, options)
    return status


if __name__ == "__main__":
    sys.exit(main())
