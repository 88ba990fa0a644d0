# SPDX-License-Identifier: BSD-2-Clause
"""The host tool's help, manual page, completion and installation agree with each other."""

import os
import re
import shutil
import subprocess

import pytest

COMMANDS = ("run", "list", "stop", "console", "resize", "top", "autosize")


@pytest.fixture(scope="module", name="neap")
def built_tool():
    """The program."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    subprocess.run(["make", "-s", "host"], cwd=root, check=True, stdin=subprocess.DEVNULL)
    return os.path.join(root, "build/host/neap")


def options_of(text):
    """The long options that a text names."""
    return set(re.findall(r"--[a-z]+", text.replace("\\-", "-"))) - {"--help"}


def test_help_names_every_command(run, neap):
    """`neap --help`, and what a command that is not there is answered with."""
    status, output = run(neap, "--help")
    assert status == 0 and re.findall(r"^  (\w+) ", output, re.MULTILINE) == list(COMMANDS)
    assert run(neap)[0] == 2
    status, output = run(neap, "fly")
    assert status == 2 and all(command in output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(run, neap, root, command):
    """Every option it tells of is taken, in the manual page, and completed; no other is."""
    status, output = run(neap, command, "--help")
    assert status == 0 and output.startswith(f"usage: neap {command}")
    options = options_of(output)
    source = (root / f"tools/neap/{command}.c").read_text()
    assert options == {f"--{name}" for name in re.findall(r'\{"([a-z]+)", (?:no|required)_argument', source)} - {"--help"}
    page = (root / "tools/neap/neap.1").read_text()
    section = page.split(f".SS {command}\n", 1)[1].split("\n.SS ", 1)[0].split("\n.SH ", 1)[0]
    assert options_of(section) >= options and f"neap {command}" in page
    assert completions(root, neap, command, "--") == options | {"--help"}
    assert run(neap, command, "--nonsense")[0] == 2


def completions(root, neap, *words):
    """What bash offers at the end of this command line."""
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _neap; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    output = subprocess.run(["bash", "-c", script, "bash", root / "tools/neap/completion.sh", neap, *words],
                            check=True, text=True, stdout=subprocess.PIPE, cwd=root).stdout
    return set(output.split())


def test_completion(root, neap, tmp_path):
    """Commands, values, files; guests are asked for."""
    assert completions(root, neap, "") == {*COMMANDS, "--help"}
    assert completions(root, neap, "re") == {"resize"}
    assert completions(root, neap, "run", "--net", "") == {"user", "tap:", "none"}
    assert completions(root, neap, "run", "--name", "") == set()
    assert "tools/neap" in completions(root, neap, "run", "tools/ne")
    tool = tmp_path / "neap"
    tool.write_text("#!/bin/sh\n[ \"$*\" = 'list --quiet' ] && echo demo other\n")
    tool.chmod(0o755)
    assert completions(root, tool, "resize", "") == {"demo", "other"}
    assert completions(root, tool, "resize", "demo", "") == {"--timeout", "--help"}


def test_manual_page(run, root):
    """No warning of the formatter."""
    if not shutil.which("man"):
        pytest.skip("needs the package man-db")
    status, output = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", root / "tools/neap/neap.1",
                         MANROFFSEQ="", MANWIDTH="80", LC_ALL="C.UTF-8")
    assert status == 0 and "warning" not in output and "neap.1:" not in output, output[:500]


def test_install_host(run, root, tmp_path):
    """Three files, where programs of a package go, that work there."""
    status, output = run("make", "-s", "-C", root, "install-host", "PREFIX=/usr", f"DESTDIR={tmp_path}")
    assert status == 0, output
    installed = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert installed == {"usr/bin/neap", "usr/share/man/man1/neap.1", "usr/share/bash-completion/completions/neap"}
    assert run(tmp_path / "usr/bin/neap", "--help")[0] == 0
