# SPDX-License-Identifier: Apache-2.0
"""TAP for the end-to-end programs, and waiting for conditions."""

import contextlib
import signal
import sys
import threading
import time
import traceback

PATIENCE = 120.0  # seconds; only a failure takes so long
_LOOK = 0.02
_never = threading.Event()


class Failed(AssertionError):
    """A check that did not hold, in words."""


def until(condition, what, seconds=PATIENCE):
    """Returns condition()'s first true value. The one pause here is between two looks."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"did not come about in {seconds:.0f} s: {what}")
        _never.wait(_LOOK)


class Broken(Exception):
    """A check failed on which all others rest; it has been counted."""


def expect(condition, words):
    if not condition:
        raise Failed(words)


def equal(got, wanted, words):
    if got != wanted:
        raise Failed(f"{words}: {short(got)}, not {short(wanted)}")


def short(value, size=400):
    text = repr(value)
    return text if len(text) <= size else text[:size] + "..."


class Tap:
    """Numbers the checks of one program and ends it with the right code."""

    def __init__(self):
        self.count = 0
        self.failures = 0
        self.started = time.monotonic()

    @contextlib.contextmanager
    def check(self, name, vital=False):
        """One line of TAP. What follows a vital check that failed would say nothing: it ends."""
        began = time.monotonic()
        self.count += 1
        number = self.count
        try:
            yield
        except Exception as problem:  # whatever it was, the check did not hold
            self.failures += 1
            print(f"not ok {number} - {name}", flush=True)
            self.say(problem)
            self.say("".join(traceback.format_exception(problem)[-4:-1]))
            if vital:
                raise Broken from problem
        else:
            print(f"ok {number} - {name} ({time.monotonic() - began:.1f} s)", flush=True)

    @staticmethod
    def say(text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def done(self):
        print(f"1..{self.count}")
        self.say(f"{time.monotonic() - self.started:.1f} s")
        return 1 if self.failures else 0


def main(program):
    """Runs program(tap); a program that breaks off is a failure as well."""
    def end(number, _frame):
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    tap = Tap()
    try:
        program(tap)
    except Broken:
        pass
    except Exception:  # between two checks
        with tap.check("nothing breaks between two checks"):
            raise
    sys.exit(tap.done())
