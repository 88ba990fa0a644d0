# SPDX-License-Identifier: BSD-2-Clause
"""What can be said about a series without building it: it applies, and the kernel's own scripts like it."""

import collections
import hashlib
import re

from series import folders_of
from source import HostKernelError, call

# Files come and go by series; who maintains them is decided where they are sent, not here.
# The source has no history to look commits up in.
IGNORED = "FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID"
DOCUMENTED = (".c", ".h")
# Every tracepoint of the kernel opens its lists at the end of a line, which --strict objects to.
TRACEPOINT = re.compile(r"^CHECK:(?:PARENTHESIS_ALIGNMENT|OPEN_ENDED_LINE): [^\n]*\n#\d+: FILE: \S*trace\S*\.h:\d+:\n"
                        r"(?:\+[^\n]*\n)*\n?", re.MULTILINE)


def apply(source, series, name):
    """Apply series on top of each other in a throw-away work tree. Returns the commit they end at."""
    folders = folders_of(file for one in series for file in one.files)
    path = source.worktree(name, folders)
    try:
        for one in series:
            for patch in one.patches:
                # Two series may touch lines side by side: on top of each other they are merged.
                three_way = "true" if len(series) > 1 else "false"
                status, output = source.git("-c", f"am.threeWay={three_way}", "am", "-q", "--committer-date-is-author-date",
                                            patch.path, cwd=path, check=False)
                if status:
                    raise HostKernelError(f"{one.name}/{patch.path.name} does not apply:\n{output.strip()}")
        commit = source.git("rev-parse", "HEAD", cwd=path)[1].strip()
        source.git("update-ref", f"refs/neap/{source.own.name}/{name}", commit)  # keeps it from being collected
        return commit
    finally:
        source.drop(name)


def checkpatch(source, series):
    """What scripts/checkpatch.pl --strict says about each patch; "" when it is content."""
    complaints = []
    for patch in series.patches:
        output = call("perl", "scripts/checkpatch.pl", "--strict", "--quiet", "--no-summary", "--show-types",
                      "--ignore", IGNORED, patch.path, cwd=source.tree, check=False)[1]
        if left := TRACEPOINT.sub("", output + "\n").strip():
            complaints.append(f"{patch.path.name}:\n{left}")
    return "\n".join(complaints)


def kernel_doc(source, series, commit):
    """Complaints of scripts/kernel-doc that the untouched files do not draw."""
    names = [name for name in series.files if name.endswith(DOCUMENTED)]
    path = source.worktree(f"doc-{series.number}", folders_of(names))
    try:
        before = _documentation(source, path, names)
        source.git("checkout", "-q", "--detach", commit, cwd=path)
        after = _documentation(source, path, names)
    finally:
        source.drop(f"doc-{series.number}")
    return "\n".join((after - before).elements())


def _documentation(source, path, names):
    """The complaints, without line numbers."""
    there = [name for name in names if (path / name).exists()]
    if not there:
        return collections.Counter()
    output = call("perl", source.tree / "scripts/kernel-doc", "-none", "-Wall", *there, cwd=path, check=False)[1]
    return collections.Counter(re.sub(r":\d+:", ":", line) for line in output.splitlines() if "warning:" in line
                               or "error:" in line)


def digest(series):
    """What makes a verdict of a compiler about these series valid: all that they change, whatever is said about it."""
    state = hashlib.sha256()
    for one in series:
        for patch in one.patches:
            state.update(patch.diff.encode())
    return state.hexdigest()
