# SPDX-License-Identifier: BSD-2-Clause
"""The smallest Linux kernels that can be KVM hosts, from the pinned source with or without patch series.

A kernel is what tests/host/kernel.config and tests/host/kernel-TARGET.config name, and nothing else. It is built once
for each state of the series in it; the cache keeps it.
"""

import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools/hostkernel"))
import build  # noqa: E402 pylint: disable=wrong-import-position
import checks  # noqa: E402 pylint: disable=wrong-import-position
from series import all_series  # noqa: E402 pylint: disable=wrong-import-position
from source import BASE, HostKernelError, Source, call  # noqa: E402 pylint: disable=wrong-import-position

IMAGES = {"arm64": "arch/arm64/boot/Image", "ppc64le": "vmlinux"}
OPTION = re.compile(r"^(CONFIG_\w+)=(\S+)$", re.MULTILINE)


def make(tree, output, target, *words):
    """Run the kernel's make; raises with the end of its log."""
    status, log = call("nice", "-n", "10", "make", "-s", "-C", tree, f"-j{build.JOBS}", f"O={output}",
                       *build.tool_chain(target), *words, check=False)
    if status:
        raise HostKernelError(f"make {' '.join(words)} for {target}:\n{log[-5000:]}")


def options(target):
    """What the kernel is made of."""
    return (HERE / "kernel.config").read_text() + (HERE / f"kernel-{target}.config").read_text()


def configure(tree, output, target):
    """Everything off but the options, which must all have been taken."""
    output.mkdir(parents=True, exist_ok=True)
    wanted = output / "wanted.config"
    wanted.write_text(options(target))
    make(tree, output, target, f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig")
    found = dict(OPTION.findall((output / ".config").read_text()))
    missing = [f"{name}={value}" for name, value in OPTION.findall(options(target)) if found.get(name, "n") != value]
    if missing:
        raise HostKernelError(f"the kernel for {target} did not take {', '.join(missing)}")


class HostKernel:
    """One kernel: its image, and the headers for programs that talk to it."""

    def __init__(self, target, numbers=()):
        """The series are named by their numbers; none: the untouched source."""
        if program := build.missing_program(target):
            raise HostKernelError(f"no {program}: run tools/install patches")
        self.target = target
        self.source = Source()
        series = [one for one in all_series() if one.number in numbers]
        state = "\0".join((checks.digest(series), self.source.key, options(target), build.version(build.compiler(target))))
        self.folder = self.source.home / "hosts" / f"{target}-{hashlib.sha256(state.encode()).hexdigest()[:12]}"
        self.image, self.headers = self.folder / "image", self.folder / "include"
        if not self.image.exists():
            with open(self.source.home / "host-turn", "w", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._build(series)

    def _build(self, series):
        """Fill the folder; the image comes last."""
        print(f"# building the kernel for {self.target}: minutes", file=sys.stderr, flush=True)
        commit = checks.apply(self.source, series, "host") if series else BASE
        tree = self.source.build_tree(commit, "host")
        output = self.source.shared / f"host-{self.target}"
        configure(tree, output, self.target)
        make(tree, output, self.target, pathlib.Path(IMAGES[self.target]).name, "headers")
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(output / "usr/include", self.headers, dirs_exist_ok=True)
        shutil.copytree(tree / "tools/include/nolibc", self.folder / "nolibc", dirs_exist_ok=True)
        shutil.copy(output / IMAGES[self.target], self.folder / "image.new")
        os.replace(self.folder / "image.new", self.image)
