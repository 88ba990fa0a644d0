# SPDX-License-Identifier: BSD-2-Clause
"""How a guest ends, and what its last words are."""

import re

import pytest
from harness.machine import ARCH, MACHINE
from harness.qemu import ROOT


def test_poweroff(boot):
    """QEMU ends with 0."""
    guest = boot(cpus=2)
    guest.serial.send("poweroff\r")
    assert guest.wait() == 0


def test_poweroff_without_debug_exit(boot):
    """ACPI does it alone."""
    guest = boot(debug_exit=False)
    guest.serial.send("poweroff\r")
    assert guest.wait() == 0


def test_passed_self_tests(boot):
    """test= runs and powers off: 0."""
    assert boot(append="test=format", ready=False).wait() == 0


def test_failed_self_tests(boot):
    """A pattern that matches nothing is a failure: 3."""
    guest = boot(append="test=no_such_test", ready=False)
    assert guest.wait() == MACHINE.exit_failed
    assert "no_such_test" in guest.serial.text


@pytest.mark.parametrize("cpus", [1, 4])
def test_panic(boot, cpus):
    """5, with a backtrace whose addresses have names, and the last messages."""
    guest = boot(cpus=cpus)
    guest.serial.send("panic\r")
    assert guest.wait() == MACHINE.exit_panic
    last_words = guest.serial.text[guest.serial.text.rindex("asked for by the shell"):]
    assert re.search(r"backtrace:\s+0x[0-9a-f]+ \w+\+0x[0-9a-f]+", guest.serial.text)
    for name in ("shell_execute", "system", "prompt_run", "kernel_main"):
        assert re.search(rf"\b{name}\+0x", guest.serial.text), name
    assert "last messages:" in last_words and "neap on" in last_words


def test_reboot(boot):
    """The prompt comes again, in the same QEMU."""
    guest = boot(cpus=2)
    begin = len(guest.serial.text)
    guest.serial.send("reboot\r")
    guest.shell.wait_ready(begin)
    assert guest.shell.machine("devices")["cpus"] == 2
    assert guest.process.poll() is None


def test_serial_log_parses(boot):
    """Every line of the log has the documented form, up to the prompt."""
    guest = boot(cpus=2)
    log = guest.serial.text.split("neap: ready in")[0].replace("\r", "")
    lines = [line for line in log.splitlines() if line.startswith("[")]
    assert len(lines) >= 5, log
    for line in lines:
        assert re.match(r"\[ *\d+\.\d{6}\] [a-z0-9_-]+: \S", line) or re.match(
            r"\[ *\d+\.\d{6}\] [a-z0-9_-]+: (error|warning): \S", line), line


def test_trace_in_a_memory_dump(boot, tmp_path, run_tool):
    """tools/trace-decode finds in a dump what the guest's own `trace` shows."""
    guest = boot(memory="64M", cpus=2)
    shown = guest.shell.run("trace --machine")
    guest.qmp("stop")
    dump = tmp_path / "memory"
    guest.qmp("pmemsave", val=0, size=64 << 20, filename=str(dump))
    decoded = run_tool(ROOT / "tools/trace-decode", "--machine", dump)
    newest = [line for line in shown.splitlines() if line.startswith("begin_ns=")][-40:-5]
    assert newest and set(newest) <= set(decoded.splitlines())
    assert ARCH in run_tool(ROOT / "tools/trace-decode", dump)
