# SPDX-License-Identifier: BSD-2-Clause
"""Test results in KTAP, version 1, as the kernel's self-tests and the unit tests print them."""

import collections
import re

Result = collections.namedtuple("Result", "name status detail")

_LINE = re.compile(r"^\s*(not )?ok (\d+)(?: -)? (.+?)(?:\s*# SKIP\s*(.*))?\s*$")


def parse(text):
    """(results, problem): one Result a test; problem says why the whole is not to be trusted."""
    results, notes = [], []
    plan, started = None, False
    for line in text.replace("\r", "").splitlines():
        if "KTAP version 1" in line:
            started = True
            continue
        if not started:
            continue
        plan_match = re.match(r"^1\.\.(\d+)\s*$", line)
        match = _LINE.match(line)
        if plan_match:
            plan = int(plan_match.group(1))
        elif match:
            failed, _, name, reason = match.groups()
            status = "fail" if failed else "skip" if reason is not None else "pass"
            results.append(Result(name, status, reason or "\n".join(notes)))
            notes = []
        elif line.lstrip().startswith("#") and not line.lstrip().startswith("# Totals"):
            note = line.strip().lstrip("# ")
            if note.startswith("exit status") and results:  # comes after its test, all others before
                results[-1] = results[-1]._replace(detail=f"{results[-1].detail}\n{note}".strip())
            else:
                notes.append(note)
    if not started:
        return results, "no KTAP header"
    if plan is None:
        return results, "no plan"
    if len(results) != plan:
        return results, f"{plan} tests planned, {len(results)} reported"
    return results, None
