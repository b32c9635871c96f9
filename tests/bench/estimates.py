#!/usr/bin/env python3
"""The compiler's estimates beside what the compiled code takes: every step of a convolution, a dense layer or a pool, in every
direction, on one thread.

Each net is compiled and its `bench --layers` run several times; of each row the shortest time counts, for whatever else the machine
does only adds to it. The ratio is measured / estimate: above 1, the step takes longer than the compiler thought. A summary follows: for
each kernel its rows, their median ratio and the range from the 10th to the 90th percentile. What happens goes to standard error."""
import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

from nets import NETS, ROOT

FAMILIES = ("conv", "depthwise", "dense", "maxpool", "avgpool", "global_maxpool", "global_avgpool", "adaptive_maxpool", "adaptive_avgpool")
DIRECTIONS = ("", "_input_grad", "_weight_grad", "_grad")
OPERATORS = {family + direction for family in FAMILIES for direction in DIRECTIONS} | {"conv_transpose_apply", "conv_transpose_weights"}
Row = collections.namedtuple("Row", "work layer kernel estimate measured")


class Failed(Exception):
    """A process that did not do what it was started for; the text says which and why."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="the build folder, with cnnc in it")
    parser.add_argument("--nets", default=",".join(NETS), metavar="LIST", help=f".cnn files, or of {', '.join(NETS)}")
    parser.add_argument("--rounds", type=int, default=8, help="processes that a net is measured in (8)")
    parser.add_argument("--seconds", type=float, default=0.1, help="that each of them runs a kind of work (0.1)")
    parser.add_argument("--batch", type=int, help="samples of a step; the model's where it is not given")
    parser.add_argument("--option", action="append", default=[], metavar="OPTION", help="of cnnc, besides; any number of times")
    parser.add_argument("--json", metavar="FILE", help="every row")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("at least one round, of more than no time")
    options.nets = {name: source_of(parser, name) for name in options.nets.split(",")}
    return options


def source_of(parser, name):
    if name in NETS:
        return os.path.join(ROOT, NETS[name].source)
    if not os.path.isfile(name):
        parser.error(f"'{name}' is no file and none of {', '.join(NETS)}")
    return name


def call(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Failed(f"{' '.join(command)}: {error.strerror}")
    if done.returncode:
        raise Failed(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def is_shown(row):
    """Steps that prepare weights carry their layer's kernel's name, too, but neither multiply-adds nor an estimate."""
    operator = row["kernel"].split(".")[0]
    prepares = not row["macs"] and not row["estimate_us"] and "pool" not in operator
    return operator in OPERATORS and not prepares


def rounds_of(program, options):
    command = [program, "bench", "--layers", "--json", "--threads", "1", "--seconds", str(options.seconds)]
    if options.batch:
        command += ["--batch", str(options.batch)]
    return [json.loads(call(command)) for _ in range(options.rounds)]


def measure(name, source, options, folder):
    """The rows of a net, the shortest of all rounds; the estimate at the highest clock that was seen."""
    program = os.path.join(folder, f"{name}.program")
    call([os.path.join(options.build, "cnnc"), *options.option, source, "-o", program])
    rounds, rows = rounds_of(program, options), []
    for work in (work for work in ("inference", "train") if work in rounds[0]):
        for same in zip(*(one[work] for one in rounds)):
            if is_shown(same[0]):
                shortest = [min(row[key] for row in same) for key in ("estimate_us", "us")]
                rows.append(Row(work, same[0]["layer"], same[0]["kernel"], *shortest))
    return rows


def ratio(row):
    return row.measured / row.estimate


def print_rows(name, rows):
    print(f"\n### {name}\n\n| work | layer | kernel | estimate, us | measured, us | ratio |\n| --- | --- | --- | --- | --- | --- |")
    for row in rows:
        estimate, times = (f"{row.estimate:.3f}", f"{ratio(row):.2f}") if row.estimate > 0 else ("-", "-")
        print(f"| {row.work} | {row.layer} | {row.kernel} | {estimate} | {row.measured:.3f} | {times} |")


def percentile(ratios, share):
    """Of sorted numbers, between the two that lie nearest."""
    place = share * (len(ratios) - 1)
    low = int(place)
    high = min(low + 1, len(ratios) - 1)
    return ratios[low] + (place - low) * (ratios[high] - ratios[low])


def print_summary(rows):
    kinds = collections.defaultdict(list)
    for row in rows:
        kinds[row.kernel].append(row)
    print("\n### Kernels\n\n| kernel | rows | without an estimate | median ratio | 10 to 90 % |\n| --- | --- | --- | --- | --- |")
    for kernel, of_kind in sorted(kinds.items()):
        ratios = sorted(ratio(row) for row in of_kind if row.estimate > 0)
        numbers = "- | -"
        if ratios:
            numbers = f"{statistics.median(ratios):.2f} | {percentile(ratios, 0.1):.2f} to {percentile(ratios, 0.9):.2f}"
        print(f"| {kernel} | {len(of_kind)} | {len(of_kind) - len(ratios)} | {numbers} |")


def main():
    options = arguments()
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, source in options.nets.items():
            print(f"{name}: {options.rounds} rounds", file=sys.stderr, flush=True)
            label = os.path.splitext(os.path.basename(name))[0]
            measured[label] = measure(label, source, options, folder)
            print_rows(label, measured[label])
    print_summary([row for rows in measured.values() for row in rows])
    if options.json:
        with open(options.json, "w") as file:
            json.dump({name: [row._asdict() for row in rows] for name, rows in measured.items()}, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"estimates.py: {failed}")
