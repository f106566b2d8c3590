"""Child processes that never outlive us, free ports, and waiting with a deadline.

Each child leads its own process group, and the kernel kills it when this process dies, so a crash or
`kill -9` of the runner leaves nothing behind. Nothing here sleeps for luck: `wait_until` polls a
condition and raises when its deadline has passed.
"""
import ctypes
import itertools
import os
import signal
import socket
import subprocess
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(args, **options):
    """`Popen` of a child in a process group of its own that dies with us."""
    return subprocess.Popen(
        [str(a) for a in args], preexec_fn=_die_with_parent, start_new_session=True, **options
    )


def kill_group(process, sig=signal.SIGKILL):
    """Signals the child's whole process group; a child that is gone is no error."""
    try:
        os.killpg(process.pid, sig)
    except ProcessLookupError:
        pass


class Failed(AssertionError):
    """A command that did not do what was expected; carries what it printed."""


def run(args, *, timeout=120, stdin=None, cwd=None, env=None, expect=0):
    """Runs a command to its end and returns its stdout and stderr as one text.

    `expect` is the exit code (None: any, "failure": any but 0). Raises `Failed` otherwise, or when
    `timeout` seconds have passed.
    """
    child = spawn(
        args, cwd=cwd, env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    data = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        out = child.communicate(data, timeout=timeout)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        kill_group(child)
        out = child.communicate()[0].decode(errors="replace")
        raise Failed(f"no end after {timeout} s: {_shown(args)}\n{out[-3000:]}") from None
    finally:
        kill_group(child)
    wanted = expect is None or (child.returncode != 0 if expect == "failure" else child.returncode == expect)
    if not wanted:
        raise Failed(f"exit {child.returncode}: {_shown(args)}\n{out[-3000:]}")
    return out


def _shown(args):
    return " ".join(str(a) for a in args)


_looked_at = itertools.count()


def free_ports(count):
    """Ports of the loopback that nobody listens on. All are below those that the system gives to who asks for any port, and
    each run looks elsewhere: nobody takes one until it is used."""
    found = []
    while len(found) < count:
        port = 10_000 + (os.getpid() * 97 + next(_looked_at)) % 20_000
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found


def wait_until(what, condition, *, timeout=30.0, every=0.02):
    """Polls `condition` until it is true (and returns its value), or raises `Failed` naming `what`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {timeout} s: {what}")
        time.sleep(every)
