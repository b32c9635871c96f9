"""The layers that the compiler has, with their arguments: read from the page that tests/reference_page prints of the
operators' own rows. A row is (name, what it takes, its default)."""
import re


def layers(page, sections=("Layers", "Activations")):
    """{kind: [(argument, takes, default)]} of these sections."""
    table, section, kind = {}, "", None
    for line in page.splitlines():
        if line.startswith("## "):
            section, kind = line[3:].strip(), None
        elif section not in sections:
            continue
        elif line.startswith("### "):
            kind = line[4:].strip()
            table[kind] = []
        elif kind and line.startswith("| `"):
            name, takes, default = (cell.strip() for cell in line.strip("| ").split("|")[:3])
            table[kind].append((name.strip("`"), takes, default.strip("`")))
    return table


def given(text, table):
    """(kind, argument, value) of every argument that a model's text gives to its layers, by name or by place."""
    for match in re.finditer(r"\b([a-z_0-9]+)\(", text):
        kind = match.group(1)
        if kind not in table:
            continue
        depth, at, item, items = 1, match.end(), "", []
        while depth and at < len(text):
            c = text[at]
            depth += (c in "([") - (c in ")]")
            if depth == 0 or (c == "," and depth == 1):
                items.append(item.strip())
                item = ""
            else:
                item += c
            at += 1
        for place, item in enumerate(i for i in items if i):
            named = re.match(r"([a-z_0-9]+)\s*=\s*", item)
            if named:
                yield kind, named.group(1), item[named.end():]
            elif place < len(table[kind]):
                yield kind, table[kind][place][0], item


def arguments_of(text, table):
    return {(kind, argument) for kind, argument, _ in given(text, table)}
