# SPDX-License-Identifier: BSD-2-Clause
"""Build what a series touches, for each target, and tell new warnings from old ones."""

import functools
import hashlib
import os
import pathlib
import re
import shutil

from source import HostKernelError, call

HERE = pathlib.Path(__file__).resolve().parent
JOBS = os.environ.get("JOBS", "2")
WARNING = re.compile(r"^(\S+?):\d+(?::\d+)?: (?:warning|error): (.*)$", re.MULTILINE)
SPARSE = "x86_64"  # sparse knows the other architectures' headers less well
FLAGS = ("W=1", "KCFLAGS=-Wno-error")
SELFTESTS = {"kselftest-x86_64": "x86_64", "kselftest-s390x": "s390x", "kselftest-arm64": "arm64"}
TOOLS = ("perf", "python")


def read_targets():
    """{name: (ARCH, compiler, default configuration, program)} of the table."""
    rows = [line.split("\t") for line in (HERE / "targets.tsv").read_text().splitlines()
            if line.strip() and not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


TARGETS = read_targets()


def target_exists(target):
    """Is this the name of a target?"""
    return target in TARGETS or target in SELFTESTS or target in TOOLS


def options_of(target):
    """What a target is configured with on top of its default configuration."""
    own = HERE / f"options-{target}.config"
    return (HERE / "options.config").read_text() + (own.read_text() if own.exists() else "")


def tool_chain(target):
    """make's variables for a target."""
    arch, compiler = TARGETS[target][:2]
    words = [f"ARCH={arch}"]
    if compiler.startswith("LLVM="):
        words.append(compiler)
    elif compiler != "-":
        words.append(f"CROSS_COMPILE={compiler}")
    return words


def compiler(target):
    """The program without which a target cannot be built."""
    return TARGETS[SELFTESTS.get(target, "x86_64" if target in TOOLS else target)][3]


def missing_program(target):
    """That program when it is not there, or None."""
    return None if shutil.which(compiler(target)) else compiler(target)


@functools.cache
def version(program):
    """What a program says of itself; "" when it is not there."""
    return call(program, "--version")[1].splitlines()[0] if shutil.which(program) else ""


class Builder:
    """Builds in the one full work tree, while the caller has its turn; output folders are kept between runs."""

    def __init__(self, source):
        self.source = source
        self.verdicts = source.home / "verdicts"
        self.verdicts.mkdir(exist_ok=True)
        self.tree = None

    def check(self, target, objects, commit, identity):
        """Build and compare with the untouched source. Returns "" or what went wrong; verdicts are kept."""
        # Each architecture builds KVM's common files from its own folder.
        objects = [f"arch/{TARGETS[target][0]}/kvm/../../../{name}" if name.startswith("virt/kvm/") else name
                   for name in objects]
        digest = hashlib.sha256("\0".join((target, *objects, identity, self.source.key, *self._recipe(target)))
                                .encode()).hexdigest()
        known = self.verdicts / digest
        if known.exists():
            return known.read_text()
        log = self._build(target, objects, commit)
        found = _warnings(log)
        if found and (new := found - _warnings(self._build(target, objects, "base", keep_going=True))):
            verdict = "new warnings:\n" + "\n".join(f"{file}: {text}" for file, text in sorted(new))
        else:
            verdict = ""
        known.write_text(verdict)
        return verdict

    def _recipe(self, target):
        """What besides the source decides the result."""
        sparse = version("sparse") if target == SPARSE else ""
        return options_of(target), "\t".join(TARGETS.get(target, ())), *FLAGS, version(compiler(target)), sparse

    def _build(self, target, objects, commit, keep_going=False):
        """The log of building these objects afresh at a commit."""
        self.tree = self.source.build_tree(commit)
        if target in SELFTESTS:
            return self._selftests(SELFTESTS[target], objects, keep_going)
        if target == "perf":
            return self._perf(objects, keep_going)
        if target == "python":
            for name in objects:
                compile((self.tree / name).read_text(encoding="utf-8"), name, "exec")
            return ""
        output = self.configured(target)
        if keep_going:  # make would stop at a file that a series adds
            objects = [name for name in objects if (self.tree / name).with_suffix(".c").exists()]
        for name in objects:
            (output / name).unlink(missing_ok=True)
        sparse = ["C=1"] if target == SPARSE and shutil.which("sparse") else []
        return self._make(output, *tool_chain(target), *sparse, *objects, keep_going=keep_going)

    def _make(self, output, *words, keep_going=False):
        status, log = call("nice", "-n", "10", "make", "-s", "-C", self.tree, f"-j{JOBS}", f"O={output}", *FLAGS, *words,
                           check=False)
        if status and not keep_going:
            raise HostKernelError(f"make {' '.join(words)}:\n" + log[-5000:])
        return log

    def configured(self, target):
        """The output folder of a target, configured and prepared."""
        output = self.source.shared / f"out-{target}"
        stamp = output / ".neap-config"
        recipe = "\n".join(self._recipe(target))
        if not stamp.exists() or stamp.read_text() != recipe:
            output.mkdir(exist_ok=True)
            self._make(output, *tool_chain(target), TARGETS[target][2])
            with open(output / ".config", "a", encoding="ascii") as config:
                config.write(options_of(target))
            self._make(output, *tool_chain(target), "olddefconfig")
            stamp.write_text(recipe)
        return output

    def selftests(self, target, objects, tree):
        """Build KVM's self-tests in a tree as it stands; returns the folder that they are in."""
        self.tree = tree
        self._selftests(SELFTESTS[target], objects, keep_going=False)
        return self.source.shared / f"kselftest-{SELFTESTS[target]}"

    def _selftests(self, target, objects, keep_going):
        """KVM's self-tests, against the exported headers of the same tree."""
        output = self.configured(target)
        self._make(output, *tool_chain(target), "headers")
        binaries = self.source.shared / f"kselftest-{target}"
        for name in objects:
            (binaries / name).unlink(missing_ok=True)
        binaries.mkdir(exist_ok=True)
        arch = {"s390x": "s390", "x86_64": "x86_64"}.get(target, target)
        chain = [f"ARCH={arch}", *tool_chain(target)[1:]]
        status, log = call("nice", "-n", "10", "make", "-s", f"-j{JOBS}", "-C", self.tree / "tools/testing/selftests/kvm",
                           *chain, f"OUTPUT={binaries}", f"KHDR_INCLUDES=-isystem {output}/usr/include",
                           *(binaries / name for name in objects), check=False)
        if status and not keep_going:
            raise HostKernelError(log[-5000:])
        return log

    def _perf(self, objects, keep_going):
        """Files of perf that belong to one architecture, with this machine's compiler: they hold no machine code."""
        logs = []
        for name in objects:
            arch = name.split("/")[3]  # tools/perf/arch/ARCH/...
            folders = [f"perf/arch/{arch}/util", "perf/util", "perf", "lib", "lib/perf/include", "include",
                       "include/uapi", "arch/x86/include", "arch/x86/include/uapi"]
            status, log = call("gcc", "-c", "-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-D_GNU_SOURCE",
                               "-DHAVE_LIBTRACEEVENT", "-DHAVE_KVM_STAT_SUPPORT", *(f"-Itools/{folder}" for folder in folders), "-o", "/dev/null",
                               name.removesuffix(".o") + ".c", cwd=self.tree, check=False)
            if status and not keep_going:
                raise HostKernelError(log[-5000:])
            logs.append(log)
        return "".join(logs)


def _warnings(log):
    """{(file, text)} of a compiler's log; lines move, so their numbers are left out."""
    return {(re.sub(r"^(\.\./)+", "", file), text) for file, text in WARNING.findall(log)}
