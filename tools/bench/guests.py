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
from harness import qemu, shell  # noqa: E402 pylint: disable=wrong-import-position

OUTPUT = ROOT / "build/bench"
REPORTING = "virtio-balloon-pci,free-page-reporting="


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


@functools.cache
def linux_files():
    """Kernel and initial ramdisk of the reference guest."""
    return linux_guest.prepare(OUTPUT / "linux")


class Guest(qemu.Guest):
    """A guest of one system, "neap" or "linux"; notes when it was started and ready."""

    # pylint: disable=too-many-arguments
    def __init__(self, system, memory="4G", cpus=1, reporting=True, icount=False, linux_append=""):
        self.system = system
        args = []
        if system == "linux":
            kernel, initrd = linux_files()
            args = ["-kernel", str(kernel), "-initrd", str(initrd),
                    "-append", f"console=ttyS0 quiet panic=-1 {linux_append}"]
        self.started = time.monotonic()
        super().__init__(memory=memory, cpus=cpus, name=f"bench-{system}", icount=icount, args=args,
                         balloon=REPORTING + ("on" if reporting else "off"))
        if system == "linux":
            self.shell = LinuxShell(self.serial)
        self.guest_us = self.shell.wait_ready()
        self.ready_seconds = time.monotonic() - self.started
        # Linux's kernel threads go on with start-up behind the prompt and would be counted as well.
        if system == "linux" and icount and "idle=1" not in self.shell.run("settle"):
            raise SystemExit("the Linux guest does not come to rest: its instructions cannot be counted")

    def alloc(self, mib):
        """Allocate and touch memory in the guest, and keep it."""
        self.shell.run(f"alloc {mib}" + ("M" if self.system == "neap" else ""), 600)

    def free(self):
        """Free what alloc() took."""
        self.shell.run("free")
