"""Many groups on one node: how long they take to share their partitions, what the broker spends on them, how fast it takes
commits and how soon it has 100,000 offsets again after kill -9. Beside Apache Kafka unless `--broker` names one broker.

The client is `clients/franz-go/scale`: the bare protocol, a connection for each member, a heartbeat a second each. The
figures are notes, not verdicts; a check fails when something does not work at all.
"""
import os
import re
import subprocess
import time

from harness import install, proc
from harness.checks import Skip
from harness.client import create_topic

NEEDS = ("kafka", "franz-go", "python")
PARTITIONS = 10
OFFSET_PARTITIONS = 100
# The backlog is room for all members that connect at once: the default of 50 has the kernel reset some of them.
PROPERTIES = {"socket.listen.backlog.size": "4096", "group.initial.rebalance.delay.ms": "1000",
              "group.consumer.heartbeat.interval.ms": "1000", "group.consumer.min.heartbeat.interval.ms": "1000"}


def run(ctx):
    if ctx.quick:
        raise Skip("a measurement: in full only")
    if ctx.kind == "remote":
        raise Skip("this suite measures a broker of its own")
    ctx.check.note(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for kind in ("chronik", "kafka") if ctx.kind == "chronik" else (ctx.kind,):
        measure(ctx, kind)


def measure(ctx, kind):
    groups = 1000
    for protocol in ("classic", "consumer"):
        broker = ctx.broker_of(kind, properties=PROPERTIES).start()
        topic = ctx.topic("scale")
        create_topic(broker.bootstrap, topic, PARTITIONS)
        with ctx.check(f"{kind}: {groups} {protocol} groups of 10 members join, beat for 10 s, and lose a member each"):
            meter = Meter(ctx, kind, broker)
            meter.follow(protocol, broker.bootstrap, topic, groups, 10, 10)
        broker.kill()
    broker = ctx.broker_of(kind, properties=PROPERTIES).start()
    topic = ctx.topic("scale")
    create_topic(broker.bootstrap, topic, OFFSET_PARTITIONS)
    with ctx.check(f"{kind}: {groups * OFFSET_PARTITIONS} offsets are committed, then as many as it can for 10 s"):
        Meter(ctx, kind, broker).follow("commit", broker.bootstrap, topic, groups, OFFSET_PARTITIONS, 10)
    with ctx.check(f"{kind}: all offsets are there again after kill -9"):
        broker.kill()
        begin = time.monotonic()
        broker.start()
        ctx.check.note(f"{kind}: it answers after {broker.ready_seconds:.2f} s")
        Meter(ctx, kind, broker).follow("fetch", broker.bootstrap, topic, groups, OFFSET_PARTITIONS)
        ctx.check.note(f"{kind}: every offset told {time.monotonic() - begin:.2f} s after its start")
        broker.stop()


class Meter:
    """What the broker's process spends in each phase of the client."""

    def __init__(self, ctx, kind, broker):
        self._ctx, self._kind, self._pid = ctx, kind, broker.pid

    def follow(self, *arguments):
        client = proc.spawn([install.franz_go() / "scale", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, before, begin = [], self._cpu(), time.monotonic()
        for line in client.stdout:
            said.append(line.decode().strip())
            cpu, now = self._cpu(), time.monotonic()
            self._ctx.check.note(f"{self._kind}: {said[-1]} | {now - begin:.1f} s, broker {cpu - before:.1f} CPU-s, "
                                 f"{self._resident()} MiB")
            before, begin = cpu, now
        assert client.wait(10) == 0, "\n".join(said[-5:])

    def _cpu(self):
        """CPU seconds of the broker so far."""
        fields = open(f"/proc/{self._pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _resident(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self._pid}/status").read()).group(1)) // 1024
