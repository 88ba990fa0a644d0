# SPDX-License-Identifier: BSD-2-Clause
"""The host tool, in a runtime folder of its own."""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time

from . import HANG_SECONDS, wait_for
from .qemu import ROOT, image, qemu_program

PROGRAM = ROOT / "build/host/neap"
COLUMNS = ("name", "state", "granted", "plugged", "ballooned", "used", "free", "rss", "cpu")


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, env):
        self.text = ""
        self.process_id, self.end = pty.fork()
        if self.process_id == 0:
            os.execve(command[0], command, env)

    def send(self, keys):
        """Type."""
        os.write(self.end, keys.encode())

    def _read(self):
        ready, _, _ = select.select([self.end], [], [], HANG_SECONDS)
        assert ready, f"nothing more on the terminal after {self.text[-2000:]!r}"
        try:
            data = os.read(self.end, 4096)
        except OSError:  # the program has ended
            data = b""
        self.text += data.decode(errors="replace")
        return data

    def expect(self, pattern):
        """Wait until the terminal shows it."""
        deadline = time.monotonic() + HANG_SECONDS
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline and self._read(), f"no {pattern!r} in {self.text[-2000:]!r}"

    def wait(self):
        """Wait for the end; returns the exit status. The terminal stays open."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.process_id, 0)[1])

    def finish(self):
        """The same, and close the terminal."""
        status = self.wait()
        os.close(self.end)
        return status


class Tool:
    """Runs `neap`; close() ends every guest it started."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="neap-test-"))
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(self.home), "TERM": "xterm", "LINES": "24", "COLUMNS": "120"}

    def close(self):
        """End the guests and remove the folder."""
        for name in self("list", "--quiet").split():
            self.status("stop", name, "--timeout", "0")
        shutil.rmtree(self.home)

    def status(self, *words, text=None):
        """(exit status, all it printed)."""
        result = subprocess.run([PROGRAM, *map(str, words)], env=self.env, text=True, errors="replace", check=False,
                                timeout=HANG_SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                **({"stdin": subprocess.DEVNULL} if text is None else {"input": text}))
        return result.returncode, result.stdout

    def __call__(self, *words, text=None):
        """What a command that must succeed printed."""
        status, output = self.status(*words, text=text)
        assert status == 0, f"neap {' '.join(map(str, words))}: {status}\n{output}"
        return output

    def fails(self, *words, status=1):
        """What a command that must fail printed."""
        got, output = self.status(*words)
        assert got == status, f"neap {' '.join(map(str, words))}: {got} instead of {status}\n{output}"
        return output

    def start(self, *options, name="demo", kind="elf", app="shell"):
        """Start a detached guest and wait for its prompt."""
        output = self("run", image(kind, app=app), "--detach", "--name", name, "--qemu", qemu_program(), *options)
        assert name in output.splitlines()
        wait_for(lambda: "neap> " in self.said(name), f"the prompt of {name}")

    def spawn(self, *options, kind="elf"):
        """Start a guest in the foreground, over pipes."""
        return subprocess.Popen([PROGRAM, "run", image(kind), "--qemu", qemu_program(), *options], env=self.env,
                                text=True, errors="replace", bufsize=0, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def terminal(self, *words):
        """Run a command on a terminal."""
        return Terminal([str(PROGRAM), *map(str, words)], self.env)

    def path(self, file, name="demo"):
        """One of a guest's files."""
        return self.home / "neap" / name / file

    def said(self, name="demo"):
        """All that came over a detached guest's serial line."""
        return self.path("console.out", name).read_text(encoding="latin-1")

    def shell(self, line, name="demo"):
        """Run a line in a guest's shell; returns what it printed."""
        begin = len(self.said(name))
        with open(self.path("console.in", name), "w", encoding="latin-1") as keys:
            keys.write(line + "\r")
        wait_for(lambda: re.search(r"^neap> ", self.said(name)[begin:], re.MULTILINE), f"the prompt after {line}")
        return self.said(name)[begin:]

    def top(self):
        """`top --once`: a dictionary a guest, numbers as numbers, None for what is not known."""
        heading, *rows = self("top", "--once").splitlines()
        assert heading.split() == [name.upper() if name != "cpu" else "CPU%" for name in COLUMNS]
        guests = {}
        for row in rows:
            cells = row.split()
            assert len(cells) == len(COLUMNS), row
            guests[cells[0]] = {column: None if cell == "-" else int(cell) if cell.isdigit() else cell
                                for column, cell in zip(COLUMNS, cells)}
        return guests
