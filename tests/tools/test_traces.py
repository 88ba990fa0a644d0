# SPDX-License-Identifier: BSD-2-Clause
"""tests/host/traces believes a host's console only if all of it fits: here, consoles are made up and damaged."""

import importlib.machinery
import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOADER = importlib.machinery.SourceFileLoader("traces", str(ROOT / "tests/host/traces"))
traces = importlib.util.module_from_spec(importlib.util.spec_from_loader("traces", LOADER))
LOADER.exec_module(traces)

ROW = traces.Row("arch", "machine", "-M virt", "ttyS0", "why", "0x24=2 0x16=1", "vcpu_id")
NEW = " exit_reason={0} ({1}) vcpu_id=0x1 (1)"
NEW_FORMAT = "\tfield:unsigned int exit_reason;\toffset:12;\n\tfield:unsigned int vcpu_id;\toffset:16;\n"


def console(patched):
    """What a host says whose guest left three times, and once for an interrupt."""
    lines = []
    for why in (0x24, 0x16, 0, 0x24):
        lines.append(f"init-1: kvm_entry: pc=0x80 (128){' vcpu_id=0x1 (1)' if patched else ''}")
        lines.append(f"init-1: kvm_exit: why={why:#x} ({why}){NEW.format(hex(why or 0x40), why) if patched else ''}")
    fields = "\tfield:int common_pid;\toffset:4;\n\n\tfield:int why;\toffset:8;\n" + (NEW_FORMAT if patched else "")
    trace = "\n".join(lines)
    return f"Linux\nBEGIN exit\n{fields}END exit\nBEGIN fields\n{trace}\nEND fields\nBEGIN text\nkvm_exit: TRAP\nEND text\n"


def wrong(before, after):
    """The tests that do not come out as they should."""
    return [test for test, reason in traces.compare(*(traces.Host(ROW, traces.split(text)) for text in (before, after)))
            if reason]


def test_good_consoles():
    """Red without the series, green with it."""
    assert wrong(console(False), console(True)) == []


@pytest.mark.parametrize("old, new, told", (
    ("BEGIN text", "BEGIN tex", "still the guest runs to its end"),
    ("field:int why;", "field:int reason;", "still the old fields of kvm_exit come first"),
    (r" why=0x24", " why=0x25", "still why tells why the guest left, as often as it did"),
    (r"(field:.*)vcpu_id;", r"\1vcpu;", "exit_reason and vcpu_id are the last fields of kvm_exit"),
    (r"exit_reason=0x24", "exit_reason=0x0", "exit_reason tells why the guest left, as often as it did"),
    (r"(kvm_exit:.*)vcpu_id=0x1", r"\1vcpu_id=0x0", "each kvm_exit names the vCPU"),
    (r"(kvm_entry:.*) vcpu_id=0x1", r"\1", "each kvm_entry names the vCPU"),
))
def test_damaged_console(old, new, told):
    """One mistake in what the host says, one test that notices."""
    damaged = re.sub(old, new, console(True), count=1)
    assert damaged != console(True)
    assert wrong(console(False), damaged) == [told]


def test_nothing_proved():
    """The same kernel twice proves nothing, and neither does a host that says nothing."""
    assert [test for test in wrong(console(True), console(True)) if test.startswith("still")] == []
    assert len(wrong(console(True), console(True))) == len(wrong(console(False), console(False))) == 4
    assert wrong("", "")
