# SPDX-License-Identifier: BSD-2-Clause
"""The guest's shell over its serial line."""

import re

from . import HANG_SECONDS

PROMPT = "neap> "
LOG_LINES = r"(?:\r?\n\[[^\n]*\n)*"  # may come between any two letters that are typed


class Shell:
    """Runs commands one after the other."""

    def __init__(self, serial):
        self.serial = serial

    def wait_ready(self, start=0):
        """Wait for the first prompt; returns the microseconds of the line before it."""
        match = self.serial.expect(r"neap: ready in (\d+) us", start)
        self.serial.expect(re.escape(PROMPT), match.end())
        return int(match.group(1))

    def start(self, line):
        """Enter a line without waiting for its end; returns where its output starts."""
        begin = len(self.serial.text)
        self.serial.send(line + "\r")
        echo = "".join(re.escape(letter) + LOG_LINES for letter in line)
        return self.serial.expect(echo + r"\r?\n", begin).end()

    def finish(self, begin, seconds=HANG_SECONDS):
        """Wait for the prompt after a started line; returns what the command printed."""
        end = self.serial.expect(r"^" + re.escape(PROMPT), begin, seconds).start()
        return self.serial.text[begin:end].replace("\r\n", "\n")

    def run(self, line, seconds=HANG_SECONDS):
        """Run one line and return what it printed."""
        return self.finish(self.start(line), seconds)

    def machine(self, command):
        """The key=value lines of `COMMAND --machine`; numbers as numbers."""
        values = {}
        for key, value in re.findall(r"^([a-z0-9_.]+)=(.*)$", self.run(command + " --machine"), re.MULTILINE):
            values[key] = int(value) if re.fullmatch(r"-?\d+", value) else value
        assert values, f"'{command} --machine' printed no key=value line"
        return values
