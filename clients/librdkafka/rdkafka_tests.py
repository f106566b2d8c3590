"""Runs librdkafka's own tests, as a list names them, each in a process of its own, so that none disturbs the next.

A list has a line for each test: its name, in the list of groups the protocols that it is for, then what it is about. The
option `-Q` is never given: it skips sub-tests and reports success.
"""
import pathlib
import re
import tempfile

from harness import install, proc

TEST_SECONDS_MAX = 600


def run_list(ctx, broker, list_name, protocol=None):
    """A check for each test of the list that is for the protocol, with consumers of that protocol."""
    lines = pathlib.Path(__file__).with_name(list_name).read_text().split("\n")
    words = [line.split() for line in lines if line and not line.startswith("#")]
    wanted = [name for name, protocols, *_ in words if protocol is None or protocols in ("both", protocol)]
    protocol = protocol or "classic"
    folder = install.librdkafka_tests()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(f"bootstrap.servers={broker.bootstrap}\n")
        conf.flush()
        env = {"TEST_KAFKA_VERSION": "4.2.0", "RDKAFKA_TEST_CONF": conf.name, "TEST_CONSUMER_GROUP_PROTOCOL": protocol,
               "LD_LIBRARY_PATH": f"{folder.parent / 'src'}:{folder.parent / 'src-cpp'}"}
        for name in wanted:
            with ctx.check(f"librdkafka's own {name} ({protocol})"):
                out = proc.run(["./test-runner", "-r", "-p1", "-L"], cwd=folder, timeout=TEST_SECONDS_MAX,
                               env={**env, "TESTS": name}, expect=None)
                # Some tests skip sub-tests by themselves; the verdict is the line of the summary.
                assert re.search(rf"{name} .*PASSED", out) and "FAILED" not in out, out[-1500:]
