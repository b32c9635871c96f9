#!/usr/bin/env python3
"""What sequences, images and volumes get of the machine's peak: the same convolutions in one, two and three dimensions, `--strict`, on
one thread, in every direction.

A net is two convolutions in a row, compiled as any model, and the second one is judged, for the first has nobody to hand a gradient to.
Each runs in many short processes, the nets taking turns, and the shortest time counts, for whatever else the machine does only adds to
it. A share stands beside its ratio to that of images: of the same channels and the same kind of convolution, the mean where there are two
sizes. What happens goes to standard error; --least R makes the exit status 1 where a ratio is below R."""
import argparse
import collections
import json
import math
import os
import statistics
import sys
import tempfile

from estimates import Failed, call

DIRECTIONS = {"forward": "", "to data": "_input_grad", "to weights": "_weight_grad"}
Net = collections.namedtuple("Net", "kind channels sizes kernel", defaults=(3,))
Row = collections.namedtuple("Row", "kernel gflops share")

LAYERS = {
    "conv": "conv({channels}, {kernel}, padding=same, activation=relu{more})",
    "stride": "conv({channels}, {kernel}, stride=2, padding=same, activation=relu{more})",
    "groups": "conv({channels}, {kernel}, groups=4, padding=same, activation=relu{more})",
    "depthwise": "depthwise({kernel}, padding=same, activation=relu{more})",
}
NETS = [
    *(Net("conv", 32, sizes) for sizes in [(4096,), (56, 56), (16, 16, 16), (32, 32, 32)]),
    *(Net("conv", 64, sizes) for sizes in [(1024,), (4096,), (28, 28), (56, 56), (8, 8, 8), (16, 16, 16)]),
    *(Net("conv", 128, sizes) for sizes in [(1024,), (28, 28), (8, 8, 8)]),
    Net("conv", 64, (4096,), 9),
    *(Net(kind, 64, sizes) for kind in ("stride", "groups", "depthwise") for sizes in [(4096,), (56, 56), (16, 16, 16)]),
    Net("depthwise", 64, (4096,), 9),
]
CHANNELS = sorted({net.channels for net in NETS})


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="the build folder, with cnnc in it")
    parser.add_argument("--rounds", type=int, default=30, help="processes that a net is measured in (30)")
    parser.add_argument("--seconds", type=float, default=0.005, help="that each of them runs training, and inference, at least (0.005)")
    parser.add_argument("--batch", type=int, default=1, help="samples of a step (1)")
    parser.add_argument("--kinds", default=",".join(LAYERS), metavar="LIST", help=f"of {', '.join(LAYERS)}")
    parser.add_argument("--channels", default=",".join(map(str, CHANNELS)), metavar="LIST", help=f"of {', '.join(map(str, CHANNELS))}")
    parser.add_argument("--most-places", type=int, metavar="N", help="leave out nets of more places a sample")
    parser.add_argument("--option", action="append", default=[], metavar="OPTION", help="of cnnc, besides --strict; any number of times")
    parser.add_argument("--least", type=float, default=0, metavar="R", help="exit status 1 where a ratio is below R")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0 or options.batch < 1:
        parser.error("at least one round, of more than no time, with a sample")
    kinds, channels = options.kinds.split(","), options.channels.split(",")
    unknown = [word for word in kinds if word not in LAYERS] + [word for word in channels if word not in map(str, CHANNELS)]
    if unknown:
        parser.error(f"no net is of the kind '{unknown[0]}'")
    options.nets = [net for net in NETS if net.kind in kinds and str(net.channels) in channels]
    if options.most_places:
        options.nets = [net for net in options.nets if math.prod(net.sizes) <= options.most_places]
    return options


def title(net):
    kernel, kind = f", kernel {net.kernel}" if net.kernel != 3 else "", f", {net.kind}" if net.kind != "conv" else ""
    return f"{'x'.join(map(str, net.sizes))}, {net.channels} channels{kernel}{kind}"


def source_of(net, batch):
    """A strided convolution stands behind one that is not, so that both are of the same places."""
    first, judged = LAYERS["conv" if net.kind == "stride" else net.kind], LAYERS[net.kind]
    first = first.format(channels=net.channels, kernel=net.kernel, more="")
    judged = judged.format(channels=net.channels, kernel=net.kernel, more=', name="judged"')
    shape = ", ".join(map(str, (*net.sizes, net.channels)))
    return (f"model ranks {{\n  input({shape})\n  {first}\n  {judged}\n  global_avgpool -> dense(2)\n}}\n"
            f"train {{ loss = cross_entropy; optimizer = sgd(lr=0.01); batch = {batch} }}\n")


def compile_net(number, net, options, folder):
    source, program = os.path.join(folder, f"{number}.cnn"), os.path.join(folder, f"{number}")
    with open(source, "w") as file:
        file.write(source_of(net, options.batch))
    call([os.path.join(options.build, "cnnc"), "--strict", *options.option, source, "-o", program])
    return program


def measure(program, options):
    """The judged layer's rows among a process's training steps, by direction."""
    printed = json.loads(call([program, "bench", "--layers", "--json", "--threads", "1", "--seconds", str(options.seconds)]))
    rows = {}
    for row in printed["train"]:
        operator, _, kernel = row["kernel"].partition(".")
        for direction, suffix in DIRECTIONS.items():
            if row["layer"] == "judged" and operator in ("conv" + suffix, "depthwise" + suffix):
                rows[direction] = Row(kernel, row["gflops"], row["share_of_peak"])
    if rows.keys() != DIRECTIONS.keys():
        raise Failed(f"{program}: no row of the judged layer for {', '.join(DIRECTIONS.keys() - rows.keys())}")
    return rows


def measure_all(options):
    """A share is of the peak that nine of ten processes do not exceed: a clock may be high for the moment in which one looks for it."""
    with tempfile.TemporaryDirectory() as folder:
        programs = [compile_net(number, net, options, folder) for number, net in enumerate(options.nets)]
        best, peaks = [{} for _ in programs], []
        for turn in range(options.rounds):
            print(f"round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
            for rows, program in zip(best, programs):
                for direction, row in measure(program, options).items():
                    rows[direction] = max(rows.get(direction, row), row, key=lambda one: one.gflops)
                    peaks.append(row.gflops / row.share)
    peak = sorted(peaks)[(len(peaks) - 1) * 9 // 10]
    return [{direction: row._replace(share=row.gflops / peak) for direction, row in rows.items()} for rows in best], peak


def shares_of_images(nets, measured):
    shares = collections.defaultdict(list)
    for net, rows in zip(nets, measured):
        for direction, row in rows.items():
            if len(net.sizes) == 2:
                shares[net.kind, net.channels, direction].append(row.share)
    return {key: statistics.mean(values) for key, values in shares.items()}


def cell(row, ratio):
    beside = "" if ratio is None else f", {ratio:.2f}x"
    return f"{row.kernel} {row.gflops:.0f}, {100 * row.share:.0f} %{beside}"


def print_table(nets, measured, peak):
    """Gives the smallest ratio to images."""
    images, least = shares_of_images(nets, measured), None
    print(f"GFLOP/s and share of the peak, {peak:.0f} GFLOP/s\n\n| second convolution | {' | '.join(DIRECTIONS)} |\n| --- | --- | --- | --- |")
    for net, rows in zip(nets, measured):
        cells = []
        for direction in DIRECTIONS:
            image = images.get((net.kind, net.channels, direction))
            ratio = None if len(net.sizes) == 2 or not image else rows[direction].share / image
            if ratio is not None:
                least = ratio if least is None else min(least, ratio)
            cells.append(cell(rows[direction], ratio))
        print(f"| {title(net)} | {' | '.join(cells)} |")
    return least


def main():
    options = arguments()
    measured, peak = measure_all(options)
    least = print_table(options.nets, measured, peak)
    if least is not None:
        print(f"\nThe smallest ratio to images: {least:.2f}")
    return 1 if least is not None and least < options.least else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        sys.exit(f"ranks.py: {failed}")
