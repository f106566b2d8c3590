"""librdkafka's load generator, and in full its own broker tests that need no groups, transactions or ACLs.

`tests.txt` names the tests: each passes on Apache Kafka 4.3.1. One process for each, so that one cannot
disturb the next. The option `-Q` is never given: it skips sub-tests and reports success.
"""
import pathlib
import re
import tempfile

from harness import install, proc
from harness.checks import contains, equal

NEEDS = ("rdkafka_performance",)
TEST_SECONDS_MAX = 240


def run(ctx):
    performance(ctx)
    if not ctx.quick:
        own_tests(ctx)


def performance(ctx):
    count = 20_000 if ctx.quick else 1_000_000
    boot, program = ctx.broker.bootstrap, install.rdkafka_performance()
    for name, options in {
        "acks=1": ["-a", "1"], "acks=all": ["-a", "-1"], "acks=0": ["-a", "0"],
        "idempotent": ["-a", "-1", "-X", "enable.idempotence=true"], "lz4": ["-a", "-1", "-z", "lz4"],
        "large batches": ["-a", "-1", "-X", "batch.size=1000000", "-X", "linger.ms=20"],
    }.items():
        with ctx.check(f"rdkafka_performance {name}: {count} records of 1 KiB delivered and consumed"):
            topic = ctx.topic("performance")
            out = proc.run([program, "-P", "-b", boot, "-t", topic, "-p", "0", "-s", "1024", "-c", count, "-q", *options],
                           timeout=300)
            contains(out, f"{count} delivered", " 0 failed")
            out = proc.run([program, "-C", "-b", boot, "-t", topic, "-p", "0", "-o", "beginning", "-c", count, "-q"],
                           timeout=300)
            equal(re.findall(r"(\d+) messages \(\d+ bytes\) consumed", out)[-1:], [str(count)], "consumed")


def own_tests(ctx):
    tests = pathlib.Path(__file__).with_name("tests.txt").read_text().split("\n")
    wanted = [line.split()[0] for line in tests if line and not line.startswith("#")]
    folder = install.librdkafka_tests()
    # The tests expect automatically created topics to have several partitions.
    broker = ctx.broker if ctx.kind == "remote" else ctx.own_broker(properties={"num.partitions": "4"}).start()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(f"bootstrap.servers={broker.bootstrap}\n")
        conf.flush()
        for name in wanted:
            with ctx.check(f"librdkafka's own {name}"):
                out = proc.run(["./test-runner", "-r", "-p1", "-L"], cwd=folder, timeout=TEST_SECONDS_MAX,
                               env={"TESTS": name, "TEST_KAFKA_VERSION": "4.2.0", "RDKAFKA_TEST_CONF": conf.name,
                                    "LD_LIBRARY_PATH": f"{folder.parent / 'src'}:{folder.parent / 'src-cpp'}"})
                # Some tests skip sub-tests by themselves; the verdict is the line of the summary.
                assert re.search(rf"{name} .*PASSED", out) and "FAILED" not in out, out[-1500:]
