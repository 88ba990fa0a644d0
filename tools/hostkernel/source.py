# SPDX-License-Identifier: BSD-2-Clause
"""The pinned kernel source as a git repository in the cache, and work trees of it.

Everything lives below $XDG_CACHE_HOME/neap/hostkernel/KEY, where KEY names the pin: one repository and one work
tree to build in for all checkouts of neap, which take turns, and one folder per checkout for what it edits.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "neap"
NAME = "linux-source"  # the row of tools/third_party.tsv
BASE = "base"  # the branch with the untouched source


class HostKernelError(Exception):
    """Something the person at the keyboard must know; the text says what to do."""


def call(*command, cwd=None, check=True, env=None, text=None):
    """Run a program; returns its exit status and output, or raises with both in the text."""
    result = subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, "LC_ALL": "C", **(env or {})},
                            input=text, stdin=None if text is not None else subprocess.DEVNULL, text=True,
                            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if check and result.returncode:
        raise HostKernelError(f"{' '.join(map(str, command[:6]))} ended with {result.returncode}:\n{result.stdout[-4000:]}")
    return result.returncode, result.stdout


def identity():
    """(name, e-mail) that the commits of this project carry: series are signed off with the same."""
    name, mail = call("git", "-C", ROOT, "log", "-1", "--format=%an%n%ae")[1].splitlines()[:2]
    return name, mail


class Source:
    """The untouched tree, its repository and this checkout's work trees."""

    def __init__(self):
        status, output = call(ROOT / "tools/fetch", NAME, check=False)
        if status:
            raise HostKernelError(output.strip())
        self.tree = pathlib.Path(output.splitlines()[-1])
        self.key = self.tree.parent.name
        self.home = CACHE / "hostkernel" / self.key
        self.git_dir = self.home / "linux.git"
        self.own = self.home / hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
        self.own.mkdir(parents=True, exist_ok=True)
        self.shared = self.home / "shared"
        self.shared.mkdir(exist_ok=True)
        with open(self.home / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.git_dir / "complete").exists():
                self._import()

    def git(self, *words, cwd=None, check=True, env=None):
        """Run git in a work tree, or in the repository itself."""
        place = ("-C", cwd) if cwd else ("--git-dir", self.git_dir)
        return call("git", *place, *words, check=check, env=env)

    def _import(self):
        """One commit with the whole tree. The archive is unpacked already: git only reads it."""
        shutil.rmtree(self.git_dir, ignore_errors=True)
        call("git", "init", "-q", "--bare", "-b", BASE, self.git_dir)
        name, mail = identity()
        for key, value in (("user.name", name), ("user.email", mail), ("gc.auto", "0"), ("core.compression", "1"),
                           ("advice.detachedHead", "false"), ("worktree.guessRemote", "false")):
            self.git("config", key, value)
        tree = ("git", "--git-dir", self.git_dir, "--work-tree", self.tree)
        call(*tree, "add", "-A", "-f", ".")
        date = "2000-01-01T00:00:00Z"  # the same commit on every machine
        call(*tree, "commit", "-q", "-m", f"Linux {self.version()}",
             env={"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date})
        (self.git_dir / "complete").touch()

    def version(self):
        """As the Makefile tells it: 6.12.117."""
        fields = dict(line.split(" = ", 1) for line in (self.tree / "Makefile").read_text().splitlines()[:8]
                      if " = " in line)
        return ".".join(fields[key] for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL"))

    @contextlib.contextmanager
    def turn(self):
        """Hold what all checkouts share: the full work tree and the output folders in `shared`."""
        with open(self.home / "turn", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def worktree(self, name, folders=None):
        """An empty-handed work tree at the untouched source; with `folders` it holds only those."""
        path = self.own / name
        self.drop(name)
        self.git("worktree", "add", "-q", "--detach", *(["--no-checkout"] if folders is not None else []), path, BASE)
        if folders is not None:
            self.git("sparse-checkout", "set", "--cone", *sorted(folders), cwd=path)
            self.git("checkout", "-q", "--detach", BASE, cwd=path)
        return path

    def drop(self, name):
        """Remove a work tree."""
        if (self.own / name).exists():
            self.git("worktree", "remove", "--force", "--force", self.own / name, check=False)
            shutil.rmtree(self.own / name, ignore_errors=True)
        self.git("worktree", "prune")

    def build_tree(self, commit, name="build"):
        """A full work tree for all, at a commit; only files that differ get a new time. The caller has its turn."""
        path = self.shared / name
        if not (path / "Makefile").exists():
            shutil.rmtree(path, ignore_errors=True)
            self.git("worktree", "prune")
            self.git("worktree", "add", "-q", "--detach", path, BASE)
        self.git("checkout", "-q", "--force", "--detach", commit, cwd=path)
        self.git("clean", "-q", "-fd", cwd=path)
        return path
