# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the tools share."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def root():
    """The top of the tree."""
    return ROOT


@pytest.fixture
def run():
    """Run a program: (exit status, everything it printed)."""
    def runner(*command, **env):
        result = subprocess.run([str(word) for word in command], text=True, check=False, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **env})
        return result.returncode, result.stdout
    return runner
