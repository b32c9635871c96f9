"""Files that cost a reader far more than they hold, into the current folder: images that a program is to refuse, or to read, at a
price that its bytes and pixels explain."""
import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(side, extra, pixels=None):
    rows = zlib.compress(b"\0" * (side + 1) * side) if pixels is None else pixels
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Bits:
    """Entropy-coded data: bits from the highest, 0xff followed by 0."""

    def __init__(self):
        self.text = ""

    def data(self):
        text = self.text + "1" * (-len(self.text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def segment(marker, data):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def table(kind, symbols):
    """A Huffman table: the first symbol has one bit, the second two."""
    counts = [1 if i < len(symbols) else 0 for i in range(16)]
    return segment(0xC4, bytes([kind] + counts + symbols))


def scan(first, last, high, low, data):
    return segment(0xDA, bytes([1, 1, 0, first, last, high << 4 | low])) + data


def progressive(side, scans):
    """A grey progressive JPEG whose every scan says in a few bytes that nothing changes: runs of 32,767 empty blocks."""
    blocks = (side // 8) ** 2
    nothing = Bits()
    while blocks >= 32767:
        nothing.text += "0" + "1" * 14
        blocks -= 32767
    for bit in range(14, -1, -1):
        if blocks >> bit & 1 and bit == 3:
            nothing.text += "10000"
            blocks -= 8
    assert blocks == 0
    bands = [(band, high, high - 1 if high else 0) for high in range(0, 1) for band in range(1, 64)]
    parts = [b"\xff\xd8", segment(0xDB, bytes([0] + [1] * 64)),
             segment(0xC2, struct.pack(">BHHB3B", 8, side, side, 1, 1, 0x11, 0)),
             table(0x00, [0]), table(0x10, [0xE0, 0x30]), scan(0, 0, 0, 0, bytes((side // 8) ** 2 // 8))]
    levels = [(0, 13)] + [(low + 1, low) for low in range(12, -1, -1)]
    every = [(band, high, low) for high, low in levels for band, _, _ in bands]
    for band, high, low in every[:scans]:
        parts.append(scan(band, band, high, low, nothing.data()))
    return b"".join(parts) + b"\xff\xd9"


def write(name, data):
    open(name, "wb").write(data)


if __name__ == "__main__":
    write("plain.png", png(8, b""))
    write("texts.png", png(8, chunk(b"tEXt", b"a\0b") * 160000))
    write("squeezed.png", png(8, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * (7 << 20))) * 60))
    write("unknown.png", png(8, chunk(b"abCd", b"x" * 8) * 160000))
    write("tall.png", png(8192, b"", zlib.compress(b"\0" * 100)))
    write("few.jpg", progressive(4096, 8))
    write("scans.jpg", progressive(4096, 500))
    write("comments.pgm", b"P5\n" + b"# a comment\n" * 2000000 + b"8 8\n255\n" + bytes(64))
    write("digits.pgm", b"P2\n" + b"0" * (32 << 20))
    with open("sparse.bin", "wb") as file:
        file.truncate(1 << 30)
    with open("sparse.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(1 << 30)
