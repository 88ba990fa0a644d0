# SPDX-License-Identifier: BSD-2-Clause
"""Prints the lines that tests/run reads, one a test, when that runs pytest."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "system"))


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Our lines take the place of pytest's own; by hand, pytest reports as ever."""
    if os.environ.get("NEAP_TEST_LINES"):
        config.pluginmanager.unregister(name="terminalreporter")
        config.pluginmanager.register(Lines(), "lines")


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
