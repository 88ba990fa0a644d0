# SPDX-License-Identifier: BSD-2-Clause
"""A guest whose instructions are counted, and what it has to do with its devices."""

import functools
import re
import struct
import subprocess

from guests import OUTPUT, ROOT, Guest
from harness import qemu

KICK, INTERRUPT = "virtio_queue_notify", "virtio_notify"


@functools.cache
def plugin():
    """The compiled plugin. Its interface has a version that QEMU knows since 9.0, and one from before."""
    text = subprocess.run([qemu.qemu_program(), "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    version = 1 if int(re.search(r"version (\d+)", text).group(1)) < 9 else 2
    library = OUTPUT / "count.so"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", f"-DPLUGIN_VERSION={version}",
                    "-o", library, ROOT / "tools/bench/count.c"], check=True)
    return library


class Meter:
    """A guest of one CPU without reporting. `events` is what else to count: QEMU's trace events by the names that
    the figures get, as regular expressions. Use it in a `with` statement."""

    def __init__(self, system, name, events, args=(), **options):
        self.count, self.trace = OUTPUT / f"{system}-{name}.count", OUTPUT / f"{system}-{name}.trace"
        self.events = {"kicks": KICK, **events}
        self.count.write_bytes(bytes(8))
        self.trace.unlink(missing_ok=True)
        traced = [word for event in (KICK, INTERRUPT, "virtio_mem_*") for word in ("-trace", event)]
        self.guest = Guest(system, reporting=False, **options,
                           args=[*args, *traced, "-D", str(self.trace), "-plugin", f"{plugin()},count={self.count}"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.guest.close()
        self.trace.unlink(missing_ok=True)

    def figures(self):
        """What there was until now."""
        text = self.trace.read_text(encoding="utf-8") if self.trace.exists() else ""
        return {"instructions": struct.unpack("<Q", self.count.read_bytes())[0],
                **{key: len(re.findall(rf"^{event} ", text, re.MULTILINE)) for key, event in self.events.items()}}

    def during(self, work):
        """(what work() returned, the figures of the time it took)."""
        before = self.figures()
        result = work()
        return result, {key: value - before[key] for key, value in self.figures().items()}
