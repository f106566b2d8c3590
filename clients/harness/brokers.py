"""Chronik and Apache Kafka as processes: one node on free loopback ports with its data in a temporary folder.

Both are started from the same `server.properties`, so a suite can run on either, and the two can take
turns on one directory. A broker is ready when it answers ApiVersions and names itself in Metadata.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from . import install, proc

_KAFKA_JVM = "-XX:+UseG1GC -Djava.awt.headless=true"

BASE_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.retention.check.interval.ms": "1000",
    "log.initial.task.delay.ms": "1000",
    "log.segment.delete.delay.ms": "1000",
}


class Broker:
    """One node. `directory` holds server.properties, the data and the log file of every start."""

    kind = ""

    def __init__(self, directory=None, properties=None, ports=None):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="chronik-clients-"))
        self.owns_directory = directory is None
        self.data = self.directory / "data"
        self.extra = dict(properties or {})
        self.port, self.controller_port = ports or proc.free_ports(2)
        self.process = None
        self.log = self.directory / f"{self.kind}.log"
        self.ready_seconds = None

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    @property
    def local(self):
        """Whether the data directory is ours to look into."""
        return True

    def properties(self):
        return {
            **BASE_PROPERTIES,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "log.dirs": str(self.data),
            **self.extra,
        }

    def write_properties(self):
        path = self.directory / "server.properties"
        self.directory.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{k}={v}\n" for k, v in self.properties().items()))
        return path

    # Only a node that hangs takes this long; a JVM on a loaded machine may need most of it.
    START_SECONDS_MAX = 240.0

    def start(self, timeout=START_SECONDS_MAX):
        """Starts the node and returns when it is ready. A port lost to another process is no failure
        as long as nothing has been told of it: the first start tries again with new ports."""
        first = not self.data.exists()
        for attempt in range(3):
            try:
                return self._start_once(timeout)
            except proc.Failed as error:
                if not (first and attempt < 2 and re.search("in use|EADDRINUSE|BindException", str(error))):
                    raise
                shutil.rmtree(self.data, ignore_errors=True)
                self.port, self.controller_port = proc.free_ports(2)
        raise proc.Failed("no free port found")

    def _start_once(self, timeout):
        config = self.write_properties()
        self._prepare(config)
        offset = self.log.stat().st_size if self.log.exists() else 0
        begin = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = proc.spawn(self._command(config), stdout=log, stderr=subprocess.STDOUT,
                                      stdin=subprocess.DEVNULL, env={**os.environ, **self._environment()},
                                      cwd=self.directory)

        def ready():
            if self.process.poll() is not None:
                tail = self.log.read_bytes()[offset:].decode(errors="replace")[-3000:]
                raise proc.Failed(f"{self.kind} ended with exit code {self.process.returncode}:\n{tail}")
            return is_ready("127.0.0.1", self.port)

        try:
            proc.wait_until(f"{self.kind} answers on port {self.port}", ready, timeout=timeout, every=0.005)
        except BaseException:
            self.kill()
            raise
        self.ready_seconds = time.monotonic() - begin
        return self

    def stop(self, timeout=60.0):
        """SIGTERM, and waits for a clean end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise proc.Failed(f"{self.kind} did not end within {timeout} s of SIGTERM") from None

    def kill(self):
        """kill -9; returns when the process is gone."""
        if self.process is not None:
            proc.kill_group(self.process)
            self.process.wait()

    def close(self, keep=False):
        self.kill()
        if self.owns_directory and not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def complaints(self):
        """Lines of the broker's log that no suite expects: errors and panics."""
        if not self.log.exists():
            return []
        found = re.compile(r"\b(ERROR|FATAL)\b|panicked at")
        text = re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text(errors="replace"))
        return [line for line in text.splitlines() if found.search(line)]

    def _prepare(self, config):
        pass

    def _environment(self):
        return {}

    def _command(self, config):
        raise NotImplementedError


class Chronik(Broker):
    """This repository's broker, built in release mode (or the binary that CHRONIK_BIN names)."""

    kind = "chronik"

    def _command(self, config):
        return [install.chronik_binary(), "start", "--config", config]


class Kafka(Broker):
    """Apache Kafka from Maven Central. Formats an empty directory as `--standalone`, as Kafka asks for."""

    kind = "kafka"
    heap = "-Xms512m -Xmx1g"

    def _prepare(self, config):
        if not (self.data / "meta.properties").exists():
            home = install.kafka_home()
            cluster = proc.run([home / "bin/kafka-storage.sh", "random-uuid"]).strip().splitlines()[-1]
            proc.run([home / "bin/kafka-storage.sh", "format", "--standalone", "-t", cluster, "-c", config])

    def _environment(self):
        return {"KAFKA_HEAP_OPTS": self.heap, "KAFKA_JVM_PERFORMANCE_OPTS": _KAFKA_JVM}

    def _command(self, config):
        return [install.kafka_home() / "bin/kafka-server-start.sh", config]


class Remote:
    """A broker that somebody else runs: suites that must stop or look into a broker are skipped on it."""

    kind = "remote"
    local = False

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    def complaints(self):
        return []

    def close(self, keep=False):
        pass


KINDS = {"chronik": Chronik, "kafka": Kafka}


def request(sock, key, version, body=b""):
    """One request with a v1 header on a connected socket; returns the response after its correlation id."""
    message = struct.pack(">hhih", key, version, 7, 7) + b"harness" + body
    sock.sendall(struct.pack(">i", len(message)) + message)
    size = struct.unpack(">i", _exactly(sock, 4))[0]
    return _exactly(sock, size)[4:]


def _exactly(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise OSError("connection closed")
        data += part
    return data


def is_ready(host, port):
    """Whether the broker answers ApiVersions v0 without an error and lists a broker in Metadata v1."""
    try:
        with socket.create_connection((host, port), timeout=2) as sock:
            sock.settimeout(5)
            if struct.unpack(">h", request(sock, 18, 0)[:2])[0] != 0:
                return False
            return struct.unpack(">i", request(sock, 3, 1, struct.pack(">i", 0))[:4])[0] > 0
    except OSError:
        return False
