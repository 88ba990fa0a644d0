# SPDX-License-Identifier: BSD-2-Clause
"""Behaviour before and after: every test of a series fails on the untouched source and passes on the patched one.

A series proves what it changes by a program `proof/run TREE`, which prints KTAP about the kernel source in TREE.
A test whose name begins with "still" guards what must not change: it passes on both sides.
"""

import re

from source import call

RESULT = re.compile(r"^(ok|not ok) \d+ (?:- )?(.*?)(?: # (SKIP|skip)\b.*)?$", re.MULTILINE)
SECONDS = "300"


def has_proof(series, program="run"):
    """Does the series come with one? `run` needs a compiler only; `guest` boots a kernel."""
    return (series.folder / "proof" / program).exists()


def results(series, tree, program="run"):
    """({name: ok, "not ok" or "skip"}, output) of the proof on one tree."""
    output = call("timeout", SECONDS, "nice", "-n", "10", series.folder / "proof" / program, tree, check=False)[1]
    return {name: "skip" if skip else verdict for verdict, name, skip in RESULT.findall(output)}, output


def check(source, series, commit, program="run"):
    """(what was proved in one word, what went wrong)."""
    before, first = results(series, source.build_tree("base"), program)
    after, second = results(series, source.build_tree(commit), program)
    wrong, skips = [], 0
    for name in sorted(set(before) | set(after)):
        pair = (before.get(name, "missing"), after.get(name, "missing"))
        wanted = ("ok" if name.startswith("still ") else "not ok", "ok")
        if pair == ("skip", "skip"):
            skips += 1
        elif pair != wanted:
            wrong.append(f"{name}: {pair[0]} before, {pair[1]} after")
    red = sum(not name.startswith("still ") for name in after) - skips
    if not after:
        wrong.append(f"the proof printed no result:\n{second[-2000:] or first[-2000:]}")
    elif wrong:
        wrong.append(second[-3000:])
    return f"{red} red/green" + (f", {skips} skip" if skips else ""), "\n".join(wrong)
