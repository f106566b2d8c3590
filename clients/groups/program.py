"""Members of groups as programs of their own, one for each client library, so that they can be killed.

A program is started as `PROGRAM BOOTSTRAP GROUP TOPIC protocol=classic|consumer session=MS [assignor=cooperative-sticky]
[instance=ID] [pattern=1]` (with `pattern`, TOPIC is what names begin with). It reads from the earliest offset, commits what
it has read, leaves at SIGTERM, and prints a line for each thing that happens:

    assigned TOPIC:PARTITION ...    all that it owns, whenever the group has decided something about it
    read TOPIC PARTITION OFFSET
    committed                       everything read before this line is
"""
import dataclasses
import os
import pathlib
import signal
import subprocess
import tempfile
import threading

from harness import install, proc

MEMBERS = pathlib.Path(__file__).with_name("members")


@dataclasses.dataclass(frozen=True)
class Client:
    """A client library, and what it can do."""

    name: str
    command: callable
    protocols: tuple = ("classic",)
    static: tuple = ("classic", "consumer")
    cooperative: bool = True
    finds_later_topics: bool = True
    joins_anew: bool = False
    environment: callable = dict


def _java():
    classes = f"{install.java_program(MEMBERS / 'Member.java')}:{install.kafka_home()}/libs/*"
    return ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes, "Member"]


def _node():
    return ["node", install.CLIENTS / "kafkajs/member.js"]


BOTH = ("classic", "consumer")
CLIENTS = (
    Client("librdkafka", lambda: [install.python(), MEMBERS / "librdkafka.py"], BOTH),
    Client("Kafka's consumer", _java, BOTH),
    # franz-go 1.22 says that a static member of the new protocol will be back without saying which;
    # Apache Kafka refuses that too.
    Client("franz-go", lambda: [install.franz_go() / "member"], BOTH, static=("classic",)),
    # kafka-python rebalances by itself now and then when a member comes back (on Apache Kafka too).
    Client("kafka-python", lambda: [install.python(), MEMBERS / "kafka_python.py"], static=()),
    # KafkaJS has neither static members nor cooperative assignors, looks for topics once, and joins its group anew when
    # it loses a connection.
    Client("KafkaJS", _node, static=(), joins_anew=True, cooperative=False, finds_later_topics=False,
           environment=lambda: {"NODE_PATH": str(install.kafkajs() / "node_modules")}),
)


class Member:
    """One running program and what it has told so far."""

    def __init__(self, client, bootstrap, topic, group, **options):
        self.read, self.committed, self.owned, self.decisions = [], 0, [], 0
        self._said = tempfile.TemporaryFile()
        self._ending = False
        arguments = [f"{key}={value}" for key, value in options.items()]
        self.process = proc.spawn([*client.command(), bootstrap, group, topic, *arguments], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=self._said, env={**os.environ, **client.environment()})
        self._reader = threading.Thread(target=self._take, daemon=True)
        self._reader.start()

    def _take(self):
        for line in self.process.stdout:
            what, *rest = line.decode().split()
            if what == "assigned":
                self.owned, self.decisions = rest, self.decisions + 1
            elif what == "read":
                self.read.append((rest[0], int(rest[1]), int(rest[2])))
            elif what == "committed":
                self.committed = len(self.read)

    def owns(self, count):
        """Whether it owns that many partitions. Raises if the program has ended."""
        self.lives()
        return len(self.owned) == count

    def lives(self):
        if self.process.poll() is not None and not self._ending:
            self._said.seek(0)
            raise proc.Failed(f"the member ended with {self.process.returncode}: {self._said.read().decode()[-2000:]}")

    def leave(self):
        """SIGTERM; returns when it has left its group and everything that it said is taken."""
        self._end(signal.SIGTERM)
        if self.process.returncode not in (0, 143):
            self._said.seek(0)
            raise proc.Failed(f"leaving, it ended with {self.process.returncode}: {self._said.read().decode()[-2000:]}")

    def kill(self):
        """kill -9: the group hears nothing of it."""
        self._end(signal.SIGKILL)

    def _end(self, sig):
        self._ending = True
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            self.process.wait(30)
        finally:
            proc.kill_group(self.process)
        self._reader.join(10)
