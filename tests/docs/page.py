#!/usr/bin/env python3
"""What the reference page promises, read from it. page.py defaults PAGE: for every example of a layer or setting a line
`section|example|the same with every default of its table written out`. page.py words PAGE: a line for every keyword,
function, attribute, initialiser and key of data and train that no model on the page has."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "random"))
import table  # noqa: E402

SECTIONS = ("Layers", "Activations", "Losses", "Optimizers", "Schedules")


def spelled_out(kind, rows, example):
    """The call of `kind` in the example, with the arguments that it leaves out."""
    given = {argument: value for k, argument, value in table.given(example, {kind: rows}) if k == kind}
    items = []
    for name, _, default in rows:
        other = re.fullmatch(r"that of `?(\w+)`?", default)
        if name not in given and default != "required": items.append(f"{name}={given[other.group(1)] if other else default}")
    call = re.search(rf"\b{kind}\b(\()?", example)
    if not items: return example
    if not call.group(1): return f"{example[:call.end()]}({', '.join(items)}){example[call.end():]}"
    depth, at = 1, call.end()
    while depth:
        depth += (example[at] in "([") - (example[at] in ")]")
        at += 1
    return f"{example[:at - 1]}, {', '.join(items)}{example[at - 1:]}"


def defaults(page):
    for section in SECTIONS:
        rows = table.layers(page, (section,))
        for kind in rows:
            text = re.search(rf"^### {kind}$.*?^For example `(.*?)`\.$", page, re.S | re.M).group(1)
            print(f"{section}|{text}|{spelled_out(kind, rows[kind], text)}")


def quoted(page, begins):
    """The words in code marks of the paragraph or list item that begins so."""
    text = re.search(rf"^{re.escape(begins)}.*?(?=^$|^- )", page, re.S | re.M).group(0)
    return [word for mark in re.findall(r"`([^`]*)`", text) for word in mark.split()]


def keys(page, heading):
    section = re.search(rf"^## {heading}$.*?(?=^## |^# )", page, re.S | re.M).group(0)
    return [key for row in re.findall(r"^\| (`.*?) \|", section, re.M) for key in re.findall(r"`(\w+)`", row)]


def words(page):
    models = [block for block in re.findall(r"^```\n(.*?)^```$", page, re.S | re.M) if re.search(r"^model ", block, re.M)]
    text = re.sub(r"#.*", "", "\n".join(models))
    planned = set(re.findall(r"^- (?:data format|augmentation) `(\w+)`$", page, re.M))
    wanted = {(word, "keyword") for word in quoted(page, "- Keywords:") if word != "augment" or not planned}
    expressions = quoted(page, "Expressions:")
    wanted |= {(word, "operator, function or attribute") for word in expressions}
    wanted |= {(word.split("(")[0], "initialiser") for word in quoted(page, "Initialisers:")}
    wanted |= {(key, "key of " + part) for part in ("data", "train") for key in keys(page, part)}
    for word, what in sorted(wanted):
        if word in ("A", "B", "cond"): continue  # of `A if cond else B`
        mark = word.lstrip(".")
        found = re.search(rf"\b{mark}\b" if re.match(r"\w", mark) else r"(?<=[\w)\] ]) ?" + re.escape(mark) + r" ?(?=[\w(])", text)
        if not found: print(f"no model on the page has the {what} {word}")


if __name__ == "__main__":
    with open(sys.argv[2]) as file: {"defaults": defaults, "words": words}[sys.argv[1]](file.read())
