# SPDX-License-Identifier: BSD-2-Clause
"""Patch series as folders of files: what is in them, and whether they are well-formed."""

import email
import email.header
import pathlib
import re

from source import ROOT, HostKernelError, call

FOLDER = ROOT / "patches/linux-6.12"
NAME = re.compile(r"\d\d-[a-z0-9-]+")
DIFF = re.compile(r"^\+\+\+ b/(\S+)", re.MULTILINE)
MINUS = re.compile(r"^--- a/(\S+)", re.MULTILINE)
COVER = "0000-cover-letter.patch"


def unfolded(header):
    """A mail header on one line."""
    return re.sub(r"\s*\n\s*", " ", str(email.header.make_header(email.header.decode_header(header))))


class Patch:
    """One mail of a series."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        mail = email.message_from_string(self.text)
        self.author = unfolded(mail.get("From", ""))
        self.subject = unfolded(mail.get("Subject", ""))
        self.diff = self.text[self.text.find("\ndiff --git "):]
        self.files = sorted(set(DIFF.findall(self.text)) | set(MINUS.findall(self.text)) - {"dev/null"})


class Series:
    """A folder patches/linux-6.12/NN-name."""

    def __init__(self, folder):
        self.folder = folder
        self.name = folder.name
        self.number = folder.name[:2]
        self.patches = [Patch(path) for path in sorted(folder.glob("*.patch")) if path.name != COVER]
        self.files = sorted({file for patch in self.patches for file in patch.files})

    def targets(self):
        """{target: [objects]} that the file `build` names: one line a target, `target: object...`."""
        found = {}
        path = self.folder / "build"
        for number, line in enumerate(path.read_text().splitlines() if path.exists() else (), 1):
            if not line.strip() or line.startswith("#"):
                continue
            target, colon, words = line.partition(":")
            if not colon:
                raise HostKernelError(f"{path}:{number}: need 'target: object...'")
            found.setdefault(target.strip(), []).extend(words.split())
        return found

    def problems(self):
        """Everything that makes this folder no series that `git am` and a maintainer would take."""
        if not self.patches:
            yield f"{self.name}: no patches"
        total = len(self.patches)
        if not (self.folder / COVER).exists():
            yield f"{self.name}: no {COVER}"
        elif not (cover := Patch(self.folder / COVER)).subject.startswith(tag(0, total)) or "***" in cover.text:
            yield f"{self.name}/{COVER}: the subject must begin with {tag(0, total)}, and the text be filled in"
        if not self.targets():
            yield f"{self.name}: the file 'build' must say which objects to build for which target"
        for number, patch in enumerate(self.patches, 1):
            for problem in patch_problems(patch, number, total):
                yield f"{self.name}/{patch.path.name}: {problem}"


def tag(number, total):
    """How git marks a mail of a series."""
    return f"[PATCH {number:0{len(str(total))}}/{total}] "


def patch_problems(patch, number, total):
    """What is wrong with one patch, without the source it is for."""
    if not patch.path.name.startswith(f"{number:04}-"):
        yield f"it is patch {number} of the series"
    if not patch.subject.startswith(tag(number, total)):
        yield f"its subject must begin with {tag(number, total)}"
    elif not re.match(r"\[PATCH \S+\] [\w/ ,.*-]+: ", patch.subject):
        yield "its subject names no subsystem"
    if f"\nSigned-off-by: {patch.author}\n" not in patch.text:
        yield f"{patch.author} has not signed it off"
    status, output = call("git", "apply", "--numstat", "-", cwd="/", check=False, text=patch.text)
    if status or not patch.files:
        yield f"git cannot read its diff: {output.strip()}"


def all_series(wanted=()):
    """The series, all or those whose number or name is asked for."""
    folders = [path for path in sorted(FOLDER.iterdir()) if path.is_dir() and NAME.fullmatch(path.name)] \
        if FOLDER.is_dir() else []
    chosen = [path for path in folders if not wanted or path.name in wanted or path.name[:2] in wanted]
    missing = [word for word in wanted if not any(word in (path.name, path.name[:2]) for path in folders)]
    if missing:
        raise HostKernelError(f"no series {', '.join(missing)} in {FOLDER}")
    return [Series(path) for path in chosen]


def folders_of(files):
    """The folders that a sparse work tree needs for these files."""
    return {str(parent) for file in files if str(parent := pathlib.PurePath(file).parent) != "."}
