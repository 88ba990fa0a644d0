# SPDX-License-Identifier: BSD-2-Clause
"""Write series: a work tree to edit, its commits back as patches, and all of them to a newer source."""

import pathlib
import re

import checks
from series import COVER, FOLDER, Patch, all_series, folders_of
from source import BASE, NAME, ROOT, HostKernelError, Source, call

TABLE = ROOT / "tools/third_party.tsv"


def edit(source, words):
    """Make the work tree of a series; one that is there stays as it is."""
    if not words:
        raise HostKernelError("edit which series?")
    number, folders = words[0][:2], set(words[1:])
    path = source.own / f"edit-{number}"
    if not path.exists():
        series = [one for one in all_series() if one.number == number]
        folders |= {folder for one in series for folder in folders_of(one.files)}
        source.worktree(path.name, folders | {"scripts"})
        source.git("checkout", "-q", "-B", f"{source.own.name}-{number}", BASE, cwd=path)
        for one in series:
            source.git("am", "-q", *(patch.path for patch in one.patches), cwd=path)
    elif folders:
        source.git("sparse-checkout", "add", *sorted(folders), cwd=path)
    print(path)


def cover_text(path):
    """(subject, body) of a cover letter, without the statistics that git adds."""
    patch = Patch(path)
    subject = re.sub(r"^\[PATCH [^]]*\] ", "", patch.subject)
    body = patch.text.split("\n\n", 1)[1]
    return subject, re.split(r"\n\n[^\n]+ \(\d+\):\n", body)[0].strip()


def export(source, words):
    """Commits of the work tree to files. Cover letter: the given file, else what the series says now."""
    if not words:
        raise HostKernelError("export which series?")
    folder = next((one.folder for one in all_series() if one.number == words[0][:2]), FOLDER / words[0])
    path = source.own / f"edit-{words[0][:2]}"
    if not path.exists():
        raise HostKernelError(f"there is no work tree: tools/hostkernel/run edit {words[0]}")
    # Debian's .gitignore hides new files at the top: say so instead of losing one.
    left = source.git("status", "--porcelain", "--ignored", cwd=path)[1]
    if left:
        raise HostKernelError(f"not committed in {path} (new files need git add -f):\n{left.rstrip()}")
    if len(words) > 1:
        subject, _, body = pathlib.Path(words[1]).read_text(encoding="utf-8").partition("\n")
    elif (folder / COVER).exists():
        subject, body = cover_text(folder / COVER)
    else:
        raise HostKernelError("a new series needs a file with its cover letter: subject, empty line, text")
    format_series(source, path, folder, f"{subject}\n\n{body.strip()}\n")
    print("\n".join(sorted(str(file.relative_to(ROOT)) for file in folder.glob("*.patch"))))


def format_series(source, path, folder, description):
    """Replace the patches of a folder by the commits of a work tree."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.patch"):
        old.unlink()
    branch = source.git("symbolic-ref", "--short", "HEAD", cwd=path)[1].strip()
    source.git("config", f"branch.{branch}.description", description)
    source.git("-c", "core.abbrev=12", "format-patch", "-q", "--zero-commit", "--no-signature", "--numbered", "--cover-letter",
               "--cover-from-description=subject", "-o", folder, f"{BASE}..HEAD", cwd=path)
    cover = folder / COVER
    # The time of the export says nothing: without it the letter changes only when the series does.
    cover.write_text(re.sub(r"\nDate: [^\n]*", "", cover.read_text(encoding="utf-8"), count=1), encoding="utf-8")


def offered(row, version=None):
    """(version, SHA-256) of what the suite of the pin offers: the newest, or the version asked for."""
    output = call("apt-cache", "show", row[3], check=False)[1]
    stanzas = [dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
               for stanza in output.split("\n\n")]
    for stanza in stanzas:  # apt lists the newest first
        if "SHA256" in stanza and version in (None, stanza["Version"]):
            return stanza["Version"], stanza["SHA256"]
    raise HostKernelError(f"apt knows no {row[3]} {version or ''}: run apt-get update, or look at apt-cache madison {row[3]}")


def pin():
    """The row of the kernel source in the table."""
    return next(line.split("\t") for line in TABLE.read_text().splitlines() if line.startswith(f"{NAME}\t"))


def rebase(source, words):
    """Move the pin, carry every series over with three-way merges, write them back."""
    row = pin()
    fresh = "\t".join([*row[:4], *offered(row, *words[:1]), *row[6:]])
    TABLE.write_text(TABLE.read_text().replace("\t".join(row), fresh))
    newer, conflicts = Source(), []
    for one in all_series():
        if conflict := carry(source, newer, one):
            conflicts.append(conflict)
    if conflicts:
        raise HostKernelError("\n".join(conflicts) + "\nresolve each in its work tree (git am --continue), write it back with "
                              "tools/hostkernel/run export NN, then run make patches")
    checks.apply(newer, all_series(), "series-all")
    print(f"now at Linux {newer.version()}: run make patches, and commit tools/third_party.tsv with the series")


def carry(source, newer, one):
    """Carry one series to a newer source with three-way merges. Returns "" or where it did not work."""
    def what_it_does():
        return [line for patch in one.patches for line in patch.path.read_text(encoding="utf-8").splitlines()
                if not line.startswith(("@@", "index "))] if all(patch.path.exists() for patch in one.patches) else None

    before = what_it_does()
    newer.drop(f"edit-{one.number}")
    path = newer.worktree(f"edit-{one.number}", folders_of(one.files) | {"scripts"})
    newer.git("checkout", "-q", "-B", f"{newer.own.name}-{one.number}", BASE, cwd=path)
    # The files that the patches were made from, so that a three-way merge finds them.
    newer.git("fetch", "-q", source.git_dir, BASE, cwd=path)
    if newer.git("am", "-q", "-3", *(patch.path for patch in one.patches), cwd=path, check=False)[0]:
        return f"{one.name}: conflict in {path}"
    subject, body = cover_text(one.folder / COVER)
    format_series(newer, path, one.folder, f"{subject}\n\n{body}\n")
    print(f"{one.name}: {'as before' if what_it_does() == before else 'changed, read the difference'}")
    return ""
