# SPDX-License-Identifier: BSD-2-Clause
"""The files of the tree, for the checks in this folder."""

import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files(root=ROOT):
    """Every file that is, or would be, under version control; without git, every file."""
    found = []
    if shutil.which("git"):
        listing = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"], check=False,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = [root / name for name in listing.stdout.split("\0") if name]
    if not found:
        found = [path for path in root.rglob("*") if not {"build", ".git", "__pycache__"} & set(path.parts)]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def with_suffix(paths, *suffixes):
    """Those whose name ends so."""
    return [path for path in paths if path.suffix in suffixes]


def scripts(paths, interpreter):
    """Those that are programs for an interpreter, by name or by first line."""
    suffix = {"python": ".py", "sh": ".sh"}[interpreter]
    chosen = []
    for path in paths:
        with path.open("rb") as file:
            first = file.readline(200)
        if path.suffix == suffix or (first.startswith(b"#!") and interpreter.encode() in first.split(b"/")[-1]):
            chosen.append(path)
    return chosen
