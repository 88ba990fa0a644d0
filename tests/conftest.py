# SPDX-License-Identifier: BSD-2-Clause
"""Prints the lines that tests/run reads, one a test, when that runs pytest."""

import os
import pathlib
import signal
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = int(os.environ.get("NEAP_TEST_SECONDS", "600"))  # of a test's set-up, of itself and of its tear-down
sys.path.insert(0, str(HERE / "system"))


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Our lines take the place of pytest's own; by hand, pytest reports as ever."""
    if os.environ.get("NEAP_TEST_LINES"):
        config.pluginmanager.unregister(name="terminalreporter")
        config.pluginmanager.register(Lines(), "lines")


def _too_long(*_):
    raise TimeoutError(f"not finished within {LIMIT} s")


def _limited():
    """A wait that nobody ends is that test's failure, not the end of the run."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, LIMIT, max(1, LIMIT // 10))  # again: cleaning up may hang, too
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup():
    """Set-ups are limited in time."""
    yield from _limited()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call():
    """So are tests."""
    yield from _limited()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown():
    """So are tear-downs."""
    yield from _limited()


class Lines:
    """The reporter."""

    @staticmethod
    def _say(status, report, reason=""):
        path, test = report.nodeid.split("::", 1)
        name = f"{pathlib.Path(path).stem.removeprefix('test_')}.{test.removeprefix('test_')}".replace(" ", "_")
        print(f"{status} {name}{': ' + reason if reason else ''} ({report.duration:.1f} s)",
              file=sys.__stdout__, flush=True)

    def pytest_runtest_logreport(self, report):
        """One line for the test itself, and for a set-up or tear-down that did not work."""
        if report.skipped:
            self._say("skip", report, str(report.longrepr[2]).removeprefix("Skipped: "))
        elif report.failed:
            self._say("fail", report)
            print(report.longreprtext, file=sys.__stdout__, flush=True)
        elif report.when == "call":
            self._say("pass", report)

    def pytest_collectreport(self, report):
        """A file that cannot be loaded is a failure, not silence."""
        if report.failed:
            print(f"fail {report.nodeid.replace(' ', '_')}", file=sys.__stdout__)
            print(report.longreprtext, file=sys.__stdout__, flush=True)
