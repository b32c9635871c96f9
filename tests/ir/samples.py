"""Writes x.npy and t.npy: samples.py COUNT CLASSES EXTENT... FOLDER. Without numpy, so that it runs anywhere."""

import random
import struct
import sys


def write(path, kind, shape, data):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


count, classes, *extents = map(int, sys.argv[1:-1])
folder = sys.argv[-1]
elements = count
for extent in extents:
    elements *= extent
draw = random.Random(5)
values = [draw.gauss(0, 1) for _ in range(elements)]
write(folder + "/x.npy", "<f4", (count, *extents), struct.pack("<%df" % elements, *values))
labels = [draw.randrange(classes) for _ in range(count)]
write(folder + "/t.npy", "<i4", (count,), struct.pack("<%di" % count, *labels))
