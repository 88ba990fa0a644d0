# SPDX-License-Identifier: BSD-2-Clause
"""The two guests of every comparison, on one QEMU command line but for the kernel."""

import functools
import pathlib
import re
import sys
import time

import linux_guest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))
from harness import machine, qemu, shell  # noqa: E402 pylint: disable=wrong-import-position

OUTPUT = ROOT / ("build/bench" if machine.ARCH == "x86_64" else f"build/bench-{machine.ARCH}")
REPORTING = "virtio-balloon-pci,free-page-reporting="
CPU, CONSOLE, TICKS = {  # see docs/bench.md; ticks of the guest's counter for an instruction under -icount
    "x86_64": ("max,-cx16", "console=ttyS0 ", 1),
    "s390x": ("max", "", 4.096),
}[machine.ARCH]
ATTEMPTS = 4


class LinuxShell(shell.Shell):
    """The commands of linux_init.c."""

    def wait_ready(self, start=0):
        match = self.serial.expect(r"linux: ready in (\d+) us", start)
        self.serial.expect(r"^linux> ", match.end())
        return int(match.group(1))

    def start(self, line):
        begin = len(self.serial.text)
        self.serial.send(line + "\n")
        return self.serial.expect(re.escape(line) + r"\r?\n", begin).end()

    def finish(self, begin, seconds=600):
        end = self.serial.expect(r"^linux> ", begin, seconds).start()
        return self.serial.text[begin:end].replace("\r\n", "\n")


def steadily(system, work):
    """What work() returns. Linux may die under QEMU's translator (docs/bench.md): it is measured once more then."""
    for left in reversed(range(ATTEMPTS if system == "linux" else 1)):
        try:
            return work()
        except (Exception, SystemExit) as error:  # pylint: disable=broad-exception-caught
            if not left:
                raise
            print(f"bench: Linux once more: {str(error)[:200]}", file=sys.stderr)
    raise AssertionError


@functools.cache
def linux_files(serves=False):
    """Kernel and initial ramdisk of the reference guest."""
    return linux_guest.prepare(OUTPUT / "linux", serves)


class Guest(qemu.Guest):
    """A guest of one system, "neap" or "linux"; notes when it was started and ready."""

    # pylint: disable=too-many-arguments
    def __init__(self, system, memory="4G", cpus=1, reporting=True, icount=False, elastic=(),
                 linux_append="", args=(), serves=False, append="", fds=()):
        self.system = system
        args = list(args)
        if system == "linux":
            kernel, initrd = linux_files(serves)
            if elastic:
                linux_append += " memhp_default_state=online_movable"
            args += ["-kernel", str(kernel), "-initrd", str(initrd),
                     "-append", f"{CONSOLE}quiet panic=-1 {linux_append}"]
        self.started = time.monotonic()
        super().__init__(memory=memory, cpus=cpus, name=f"bench-{system}", icount=icount, args=args, elastic=elastic,
                         cpu=CPU, app="full" if serves else "shell", append=append, fds=fds,
                         balloon=REPORTING + ("on" if reporting else "off"))
        if system == "linux":
            self.shell = LinuxShell(self.serial)
        self.guest_us = self.shell.wait_ready()
        self.ready_seconds = time.monotonic() - self.started
        # Linux's kernel threads go on with start-up behind the prompt and would be counted as well.
        if system == "linux" and icount and "idle=1" not in self.shell.run("settle"):
            raise SystemExit("the Linux guest does not come to rest: its instructions cannot be counted")
        if system == "linux" and elastic:
            self.shell.run("module virtio_mem")

    def alloc(self, mib):
        """Allocate and touch memory in the guest, and keep it."""
        self.shell.run(f"alloc {mib}" + ("M" if self.system == "neap" else ""), 600)

    def thin(self, keep):
        """Give back all but one page in `keep` of what alloc() took."""
        self.shell.run(f"thin {keep}" if self.system == "linux" else f"thin 1 {keep}", 600)

    def start_load(self, mib):
        """Threads on every CPU write, verify and give back so much memory."""
        self.shell.run(f"load start {mib}" + ("M" if self.system == "neap" else ""), 600)

    def load(self):
        """What the load did so far: touched_bytes, errors, worst_ns, ..."""
        text = self.shell.run("load" if self.system == "linux" else "load --machine", 600)
        return {key: int(value) for key, value in re.findall(r"^(\w+)=(\d+)", text, re.MULTILINE)}

    def free(self):
        """Free what alloc() took."""
        self.shell.run("free")
