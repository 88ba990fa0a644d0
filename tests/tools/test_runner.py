# SPDX-License-Identifier: BSD-2-Clause
"""tests/run counts right and fails when anything failed."""

import importlib.machinery
import importlib.util

import pytest


@pytest.fixture
def runner(root):
    """tests/run as a module."""
    loader = importlib.machinery.SourceFileLoader("runner", str(root / "tests/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
    loader.exec_module(module)
    return module


def finish(results, capsys):
    """(exit status, last line)."""
    status = results.finish()
    return status, capsys.readouterr().out.splitlines()


def test_totals_and_reasons(runner, capsys):
    """The last line has the three counts; each skip is named with its reason."""
    results = runner.Results("")
    results.add("a", "one", "pass")
    results.add("a", "two", "skip", "no UMIP")
    status, lines = finish(results, capsys)
    assert status == 0 and lines[-1] == "1 passed, 0 failed, 1 skipped"
    assert "skipped: a two: no UMIP" in lines


def test_one_failure_fails_all(runner, capsys):
    """Also when it is the report itself that is broken."""
    results = runner.Results("")
    results.add_ktap("a", "", "KTAP version 1\n1..2\nok 1 x\n")
    status, lines = finish(results, capsys)
    assert status == 1 and lines[-1] == "1 passed, 1 failed, 0 skipped"


def test_nothing_run_is_no_success(runner, capsys):
    """A pattern that matches nothing."""
    assert finish(runner.Results("x"), capsys) == (1, ["0 passed, 0 failed, 0 skipped"])


def test_crash_of_a_check(runner, capsys):
    """A program that ends badly fails, one that ends with 77 is skipped with what it said."""
    results = runner.Results("")
    runner.run_checked(results, "a", "bad", "sh", "-c", "echo why; exit 3")
    runner.run_checked(results, "a", "not here", "sh", "-c", "echo no such machine; exit 77")
    status, lines = finish(results, capsys)
    assert status == 1 and lines[-1] == "0 passed, 1 failed, 1 skipped"
    assert lines[-3:-1] == ["failed: a bad", "    why"]
    assert any(line.startswith("skip a not here: no such machine") for line in lines)


def test_pytest_lines(runner, capsys, tmp_path, root):
    """Results of pytest come through one by one, a broken file as a failure."""
    (tmp_path / "conftest.py").write_text((root / "tests/conftest.py").read_text())
    (tmp_path / "test_x.py").write_text(
        "import pytest\ndef test_good(): pass\ndef test_bad(): assert 0, 'because'\n"
        "def test_skip(): pytest.skip('no reason')\n")
    (tmp_path / "test_broken.py").write_text("import nothing_of_this_name\n")
    results = runner.Results("")
    runner.run_pytest(results, "s", str(tmp_path))
    out = capsys.readouterr().out
    assert results.counts["fail"] >= 1 and "nothing_of_this_name" in out
    (tmp_path / "test_broken.py").unlink()
    results = runner.Results("")
    runner.run_pytest(results, "s", str(tmp_path))
    out = capsys.readouterr().out
    assert dict(results.counts) == {"pass": 1, "fail": 1, "skip": 1}
    assert "skip s x.skip: no reason" in out and "because" in out


@pytest.mark.parametrize("pattern,programs,rest", [
    ("mm.random_maps/3", ["mm"], "random_maps/3"), ("random", None, "random"), ("mm", None, "mm"),
    ("ktap.no_report", [], "no_report"), ("no.such", None, "no.such")])
def test_unit_names(runner, pattern, programs, rest):
    """A name as it is printed selects that test; any other text is looked for in all of them."""
    every = runner.unit_programs("")[0]
    assert {"mm", "virtio"} <= set(every)
    assert runner.unit_programs(pattern) == (every if programs is None else programs, rest)


@pytest.mark.parametrize("pattern,files,arguments", [
    ("", (), ["tests/system"]), ("storm", (), ["tests/system", "-k", "storm"]),
    ("elastic.storm", (), ["tests/system/test_elastic.py", "-k", "storm"]),
    ("storm", ("test_elastic.py", "test_compact.py"),
     ["tests/system/test_elastic.py", "tests/system/test_compact.py", "-k", "storm"]),
    ("elastic.storm", ("test_elastic.py", "test_compact.py"), ["tests/system/test_elastic.py", "-k", "storm"]),
    ("power.panic", ("test_elastic.py",), None)])
def test_pytest_selection(runner, pattern, files, arguments):
    """A module's name selects its file, also when only some files are wanted."""
    assert runner.pytest_selection(pattern, "tests/system", files) == arguments


def test_guest_names(runner):
    """A configuration, a part of several, one self-test of one configuration."""
    def names(pattern):
        configs, tests = runner.guest_configs(pattern)
        return [name for name, _ in configs], tests

    every = (runner.GUEST_CONFIGS, runner.NETWORK_CONFIGS, runner.LOOPBACK_CONFIGS)
    assert len(names("")[0]) == sum(map(len, every)) and names("")[1] == "*"
    first = "pvh,1cpu," + runner.machine.MACHINE.default
    assert names(first)[0] == [name for name in names("")[0] if name.startswith(first)] and names(first)[1] == "*"
    assert names(f"{first}: timer_") == ([first], "timer_")
    assert names("no such configuration") == ([], "*")


def test_what_is_the_same_everywhere(runner, monkeypatch, capsys):
    """On the second machine lint and native unit tests are skipped by name, unless their suite is asked for."""
    monkeypatch.setattr(runner.machine, "MACHINE", runner.machine.MACHINES["s390x"])
    results = runner.Results("")
    assert runner.runs_elsewhere(results, "unit", ["mm", "tools"])
    assert "skipped: unit tools: the same on every machine" in "\n".join(finish(results, capsys)[1])
    assert not runner.runs_elsewhere(runner.Results("", ["unit"]), "unit", ["mm"])
    monkeypatch.setattr(runner.machine, "MACHINE", runner.machine.MACHINES["x86_64"])
    assert not runner.runs_elsewhere(runner.Results(""), "unit", ["mm"])
