# SPDX-License-Identifier: BSD-2-Clause
"""tools/hostkernel tells good series from bad ones, and proofs from claims."""

import os
import pathlib
import shutil
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/hostkernel"))
import author  # noqa: E402 pylint: disable=wrong-import-position
import build  # noqa: E402 pylint: disable=wrong-import-position
import checks  # noqa: E402 pylint: disable=wrong-import-position
import proof  # noqa: E402 pylint: disable=wrong-import-position
import series  # noqa: E402 pylint: disable=wrong-import-position
import source  # noqa: E402 pylint: disable=wrong-import-position

EXAMPLE = "04-virtio-waits"
TOTAL = len(series.Series(series.FOLDER / EXAMPLE).patches)


@pytest.fixture
def folder(tmp_path):
    """A copy of a good series, to be damaged."""
    return pathlib.Path(shutil.copytree(series.FOLDER / EXAMPLE, tmp_path / EXAMPLE))


def damage(path, old, new):
    """Replace a text that is there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def problems(folder):
    """What is said about a folder."""
    return "\n".join(series.Series(folder).problems())


def third(folder):
    """The third patch of a folder."""
    return next(folder.glob("0003-*.patch"))


def test_good_series(folder):
    """Nothing is said."""
    assert problems(folder) == ""


def test_every_series_is_well_formed():
    """What can be known without the kernel's source; make patches does the rest."""
    found = series.all_series()
    assert len(found) == 12
    assert [problem for one in found for problem in one.problems()] == []
    assert [target for one in found for target in one.targets() if not build.target_exists(target)] == []


@pytest.mark.parametrize("old, new, says", [
    ("\nSigned-off-by: ", "\nSeen-by: ", "signed it off"),
    (f"[PATCH 3/{TOTAL}]", f"[PATCH 3/{TOTAL + 1}]", f"[PATCH 3/{TOTAL}]"),
    (f"[PATCH 3/{TOTAL}] virtio-mem: ", f"[PATCH 3/{TOTAL}] ", "names no subsystem"),
    ("\n+++ b/drivers", "\n++ b/drivers", "cannot read its diff"),
])
def test_damaged_patch(folder, old, new, says):
    """The message names the patch and what is wrong with it."""
    damage(third(folder), old, new)
    assert third(folder).name in problems(folder) and says in problems(folder)


def test_missing_patch(folder):
    """A hole in the numbers."""
    third(folder).unlink()
    assert "it is patch 3" in problems(folder)


def test_missing_cover_letter(folder):
    """Nobody takes a series without one."""
    (folder / series.COVER).unlink()
    assert f"no {series.COVER}" in problems(folder)


def test_cover_letter_not_filled_in(folder):
    """What git format-patch writes by itself is no letter."""
    damage(folder / series.COVER, "virtio-mem, virtio_balloon: Deal", "*** SUBJECT HERE ***")
    assert "the text be filled in" in problems(folder)


def test_nothing_to_build(folder):
    """A series that is built nowhere proves nothing."""
    (folder / "build").write_text("# later\n")
    assert "which objects to build" in problems(folder)


def test_ten_patches_are_numbered_with_zeros():
    """As git does it."""
    assert series.tag(3, 12) == "[PATCH 03/12] "


SOURCE = """\
#define LIMIT 3
struct thing {
	int number;
};
static int helper(int a)
{
	return a;
}

static void user(struct thing *thing,
		 int a)
{
	thing->number = helper(a);
}
"""


def test_extract(run, root, tmp_path):
    """Definitions come in the order of the file, with their lines; what is optional may be missing."""
    file = tmp_path / "thing.c"
    file.write_text(SOURCE)
    status, output = run(root / "tools/hostkernel/extract", file, "user", "?newer", "struct thing", "LIMIT")
    assert status == 0
    assert "HAVE_user" in output and "HAVE_newer" not in output and "helper(int" not in output
    assert output.index("#define LIMIT") < output.index("struct thing {") < output.index("static void user")
    assert f'#line 10 "{file}"' in output


def test_extract_names_what_is_missing(run, root, tmp_path):
    """A name that has to be there."""
    (tmp_path / "thing.c").write_text(SOURCE)
    status, output = run(root / "tools/hostkernel/extract", tmp_path / "thing.c", "nothing")
    assert status == 1 and "does not define nothing" in output


@pytest.mark.parametrize("before, after, word, wrong", [
    ("not ok 1 a", "ok 1 a", "1 red/green", False),
    ("ok 1 a", "ok 1 a", "1 red/green", True),
    ("not ok 1 a", "not ok 1 a", "1 red/green", True),
    ("ok 1 still a", "ok 1 still a", "0 red/green", False),
    ("not ok 1 still a", "ok 1 still a", "0 red/green", True),
    ("ok 1 a # SKIP no tool", "ok 1 a # SKIP no tool", "0 red/green, 1 skip", False),
    ("", "ok 1 a", "1 red/green", True),
    ("", "", "0 red/green", True),
])
def test_proof(tmp_path, before, after, word, wrong):
    """Red on the untouched source and green on the patched one, or it proves nothing."""
    program = tmp_path / "series/proof/run"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\ncat "$1/report"\n')
    program.chmod(0o755)
    for name, text in (("base", before), ("patched", after)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report").write_text(text + "\n")
    source = types.SimpleNamespace(build_tree=lambda commit: tmp_path / commit)
    said, problem = proof.check(source, types.SimpleNamespace(folder=tmp_path / "series"), "patched")
    assert (said, bool(problem)) == (word, wrong)


def test_warnings_without_line_numbers():
    """A warning that only moved is not a new one."""
    # pylint: disable-next=protected-access
    assert build._warnings("../mm/a.c:3:1: warning: unused x\n") == build._warnings("mm/a.c:9:2: warning: unused x\n")


def test_checkpatch_about_tracepoints():
    """Only what every tracepoint draws is left out."""
    ordinary = "CHECK:OPEN_ENDED_LINE: Lines should not end\n#7: FILE: include/trace/events/a.h:3:\n+\tTP_fast_assign(\n\n"
    other = ordinary.replace("include/trace/events/a.h", "mm/a.c")
    assert checks.TRACEPOINT.sub("", ordinary) == "" and checks.TRACEPOINT.sub("", other) == other


def test_verdict_belongs_to_a_compiler(monkeypatch, tmp_path):
    """With another compiler nothing is known yet."""
    builds = []
    monkeypatch.setattr(build.Builder, "_build", lambda self, *words, **_: builds.append(words) or "")
    builder = build.Builder(types.SimpleNamespace(home=tmp_path, key="key"))
    for said in ("cc 1", "cc 1", "cc 2"):
        monkeypatch.setattr(build, "version", lambda program, said=said: said)
        assert builder.check("arm64", ["a.o"], "commit", "patches") == ""
    assert len(builds) == 2


def test_parts_of_the_host_tests(root):
    """Each part has a program to run or a reason why none does."""
    rows = [line.split("\t") for line in (root / "tests/host/parts.tsv").read_text().splitlines() if line[0] != "#"]
    for name, command, reason in rows:
        assert (command != "-" or reason != "-"), name
        assert command == "-" or os.access(root / command.split()[0], os.X_OK), name


LINES = [f"line {number}\n" for number in range(30)]


@pytest.fixture
def pins(tmp_path, monkeypatch):
    """The source of two pins, the newer with another line 10; and a series 77 for the older that changes line 10."""
    for name, value in (("AUTHOR", "A"), ("COMMITTER", "A")):
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b.c")
    monkeypatch.setattr(author, "ROOT", tmp_path)
    monkeypatch.setattr(author, "FOLDER", tmp_path)
    monkeypatch.setattr(series, "FOLDER", tmp_path)

    def pin(name, lines):
        made = source.Source.__new__(source.Source)
        made.git_dir, made.own = tmp_path / f"{name}.git", tmp_path / f"{name}.own"
        made.own.mkdir()
        source.call("git", "init", "-q", "--bare", "-b", source.BASE, made.git_dir)
        (tmp_path / name / "drivers").mkdir(parents=True)
        (tmp_path / name / "drivers/thing.c").write_text("".join(lines))
        for words in (("add", "."), ("commit", "-q", "-m", name)):
            source.call("git", "--git-dir", made.git_dir, "--work-tree", tmp_path / name, *words, cwd=tmp_path / name)
        return made

    older, newer = pin("older", LINES), pin("newer", [*LINES[:10], "another line 10\n", *LINES[11:]])
    tree, folder = older.worktree("edit-77"), tmp_path / "77-thing"
    older.git("checkout", "-q", "-B", "own-77", cwd=tree)
    (tree / "drivers/thing.c").write_text("".join([*LINES[:10], "our line 10\n", *LINES[11:]]))
    older.git("commit", "-q", "-a", "-s", "-m", "thing: Change a line", cwd=tree)
    author.format_series(older, tree, folder, "thing: Cover\n\nText.\n")
    return older, newer, folder


def test_rebase_past_a_conflict(pins, capsys):
    """A conflict is named, resolved by hand and written back; the series then fits the newer source."""
    older, newer, folder = pins
    one = series.Series(folder)
    tree = newer.own / "edit-77"
    assert author.carry(older, newer, one) == f"77-thing: conflict in {tree}"
    with pytest.raises(source.HostKernelError, match="not committed"):
        author.export(newer, ["77"])
    (tree / "drivers/thing.c").write_text("".join([*LINES[:10], "both lines 10\n", *LINES[11:]]))
    newer.git("add", "drivers/thing.c", cwd=tree)
    newer.git("am", "-q", "--continue", cwd=tree)
    author.export(newer, ["77"])
    assert "0001-thing-Change-a-line.patch" in capsys.readouterr().out
    text = next(folder.glob("0001-*.patch")).read_text()
    assert "-another line 10\n+both lines 10\n" in text and "Signed-off-by: A <a@b.c>" in text
    assert checks.apply(newer, [series.Series(folder)], "again")


def test_rebase_without_a_conflict(pins, capsys):
    """A series that still applies is written back by itself."""
    older, _, folder = pins
    before = next(folder.glob("0001-*.patch")).read_text()
    assert author.carry(older, older, series.Series(folder)) == ""
    assert "77-thing: as before" in capsys.readouterr().out
    assert next(folder.glob("0001-*.patch")).read_text() == before
