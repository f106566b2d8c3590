"""Runs Kafka's own command-line tools, unmodified, against one bootstrap address.

Each call is a JVM start. The first run of a tool leaves an archive of its loaded classes in the cache
(Java's application class-data sharing), which makes the next ones more than twice as fast.
"""
import os

from . import install, proc

_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.awt.headless=true -Xlog:disable -Xlog:all=error:stderr"


class Tools:
    """`tools("topics", "--list")` runs `kafka-topics.sh --bootstrap-server ... --list`."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    def __call__(self, tool, *args, timeout=120, stdin=None, expect=0):
        """What the tool printed (stdout and stderr). `expect`: see `proc.run`."""
        return run(tool, "--bootstrap-server", self.bootstrap, *args, timeout=timeout, stdin=stdin, expect=expect)

    def offsets(self, topic, time="-1"):
        """Partition -> offset, from kafka-get-offsets; partitions without one are left out."""
        out = self("get-offsets", "--topic", topic, "--time", time)
        found = {}
        for line in out.splitlines():
            parts = line.rsplit(":", 2)
            if len(parts) == 3 and parts[0] == topic and parts[2]:
                found[int(parts[1])] = int(parts[2])
        return found


def run(tool, *args, timeout=120, stdin=None, expect=0):
    """A tool that is given all its arguments (kafka-dump-log, kafka-storage)."""
    home = install.kafka_home()
    archive = install.CACHE / f"class-data/{tool}-{install.KAFKA_VERSION}.jsa"
    fresh = archive.with_suffix(f".{os.getpid()}")
    if archive.exists():
        sharing = f"-XX:SharedArchiveFile={archive}"
    else:
        archive.parent.mkdir(parents=True, exist_ok=True)
        sharing = f"-XX:ArchiveClassesAtExit={fresh}"
    try:
        return proc.run([home / f"bin/kafka-{tool}.sh", *args], timeout=timeout, stdin=stdin, expect=expect,
                        env={"KAFKA_JVM_PERFORMANCE_OPTS": f"{_JVM} {sharing}"})
    finally:
        if fresh.exists():
            fresh.rename(archive)
