"""Counts checks and prints one line for each.

A suite writes `with check("name"):` around what must hold; an exception in the block is a failure with
its text below the line, and the suite goes on with the next check. `Skip` says loudly that something
was not run; it never counts as passed.
"""
import contextlib
import sys
import time
import traceback


class Skip(Exception):
    """This cannot be run here; the text says why."""


class Checks:
    """The tally of one run."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.suite = ""
        self.failures = []

    @contextlib.contextmanager
    def __call__(self, name):
        start = time.monotonic()
        try:
            yield
        except Skip as why:
            self.skip(name, why)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a check reports whatever went wrong inside it
            self.failed += 1
            self.failures.append(f"{self.suite}: {name}")
            self._line("FAIL", name, start)
            text = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
            print("      " + text.strip().replace("\n", "\n      "), flush=True)
        else:
            self.passed += 1
            self._line("ok", name, start)

    def skip(self, name, why):
        self.skipped += 1
        print(f"SKIP  {self.suite}: {name}: {why}", flush=True)

    def note(self, text):
        """A fact worth reading that is not a verdict."""
        print(f"      {text}", flush=True)

    def _line(self, verdict, name, start):
        print(f"{verdict:5} {self.suite}: {name} ({time.monotonic() - start:.1f} s)", flush=True)

    def close(self):
        """Prints the closing line and returns the exit code: 0 only if something ran and nothing failed."""
        for name in self.failures:
            print(f"failed: {name}")
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}")
        sys.stdout.flush()
        return 1 if self.failed or not self.passed else 0


def equal(actual, expected, what=""):
    """Raises with both values when they differ."""
    if actual != expected:
        raise AssertionError(f"{what or 'value'}: expected {expected!r}, got {actual!r}")


def contains(text, *parts):
    """Raises when a part is not in the text."""
    for part in parts:
        if part not in text:
            raise AssertionError(f"expected {part!r} in:\n{text[-2500:]}")
