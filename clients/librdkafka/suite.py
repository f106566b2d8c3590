"""librdkafka's load generator, and in full its own broker tests that need no groups, transactions or ACLs.

`tests.txt` names the tests (`groups.py` runs those of groups).
"""
import re

from harness import install, proc
from harness.checks import contains, equal
from rdkafka_tests import run_list

NEEDS = ("rdkafka_performance",)


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
    # The tests expect automatically created topics to have several partitions.
    broker = ctx.broker if ctx.kind == "remote" else ctx.own_broker(properties={"num.partitions": "4"}).start()
    run_list(ctx, broker, "tests.txt")
