"""Several nodes of one cluster as processes, on free loopback ports, data in a temporary folder.

Roles are combined, or separate: then the first nodes are controllers and the others brokers. The voters are static, or
(`dynamic`) the first controller forms the quorum alone and the others observe it until they are let in (KIP-853). Both
kinds of broker (Chronik, Apache Kafka) are started from the same properties, also within one cluster.
"""
import pathlib
import re
import shutil
import struct
import tempfile
import socket

from . import brokers, install, proc

CLUSTER_ID = "AAAAAAAAQACAAAAAAAAAAQ"


class Cluster:
    """`controllers` and `brokers` are node ids; a node in both has both roles. `kind` is the brokers', or one by id."""

    def __init__(self, kind, controllers, brokers_, properties=None, dynamic=False):
        ids = sorted({*controllers, *brokers_})
        self.kinds = kind if isinstance(kind, dict) else dict.fromkeys(ids, kind)
        self.kind = "chronik" if "chronik" in self.kinds.values() else "kafka"
        self.dynamic = dynamic
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="chronik-cluster-"))
        ports = proc.free_ports(2 * len(ids))
        self.ports = {id_: ports[2 * at:2 * at + 2] for at, id_ in enumerate(ids)}
        self.controllers, self.brokers = list(controllers), list(brokers_)
        voters = ",".join(f"{id_}@127.0.0.1:{self.ports[id_][1]}" for id_ in controllers)
        self.nodes = {id_: self._node(id_, voters, properties or {}) for id_ in ids}

    def _node(self, id_, voters, properties):
        kind = self.kinds[id_]
        base = Member if kind == "chronik" else KafkaMember
        port, controller_port = self.ports[id_]
        roles = [role for role, ids in (("broker", self.brokers), ("controller", self.controllers)) if id_ in ids]
        listeners = []
        if "broker" in roles:
            listeners.append(f"PLAINTEXT://127.0.0.1:{port}")
        if "controller" in roles:
            listeners.append(f"CONTROLLER://127.0.0.1:{controller_port}")
        extra = {
            "process.roles": ",".join(roles), "node.id": str(id_), "cluster.id": CLUSTER_ID, **self._quorum(voters),
            "listeners": ",".join(listeners), "advertised.listeners": ",".join(listeners),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT", **properties,
        }
        if kind == "chronik":
            extra["chronik.http.listener"] = ""
        else:
            del extra["cluster.id"]
        member = base(roles, directory=self.directory / str(id_), properties=extra, ports=(port, controller_port))
        if self.dynamic:
            member.format_options = ["--standalone" if id_ == self.controllers[0] else "--no-initial-controllers"]
        return member

    def _quorum(self, voters):
        if self.dynamic:
            return {"controller.quorum.bootstrap.servers": ",".join(v.split("@")[1] for v in voters.split(","))}
        return {"controller.quorum.voters": voters, "controller.quorum.bootstrap.servers": ""}

    @property
    def bootstrap(self):
        return ",".join(self.nodes[id_].bootstrap for id_ in self.brokers)

    def controller(self, id_):
        """Where a controller listens."""
        return f"127.0.0.1:{self.ports[id_][1]}"

    def start(self):
        for node in self.nodes.values():
            node.launch()
        for node in self.nodes.values():
            node.wait()
        return self

    def leader(self):
        """The active controller's id, as the quorum tells it to whoever asks."""
        if set(self.kinds.values()) == {"chronik"}:
            won = {}
            for id_, node in self.nodes.items():
                found = re.findall(r"became leader at term (\d+)", node.log.read_text(errors="replace"))
                won[id_] = int(found[-1]) if found else 0
            return max(won, key=won.get)
        text = proc.run([install.kafka_home() / "bin/kafka-metadata-quorum.sh", "--bootstrap-server", self.bootstrap,
                         "describe", "--status"])
        return int(re.search(r"LeaderId:\s+(\d+)", text).group(1))

    def close(self, keep=False):
        for node in self.nodes.values():
            node.kill()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def complaints(self):
        """Of Chronik's nodes; what Kafka has to say beside them is Kafka's matter."""
        ours = [node for node in self.nodes.values() if node.kind == "chronik"]
        return [line for node in ours for line in node.complaints()]


class _Launched:
    """Started and waited for apart: a node of a quorum is not ready before the others are there."""

    format_options = None

    def __init__(self, roles, **options):
        super().__init__(**options)
        self.roles = roles

    def launch(self):
        config = self.write_properties()
        self._prepare(config)
        import os
        import subprocess
        with open(self.log, "ab") as log:
            self.process = proc.spawn(self._command(config), stdout=log, stderr=subprocess.STDOUT, cwd=self.directory,
                                      stdin=subprocess.DEVNULL, env={**os.environ, **self._environment()})

    def wait(self, timeout=brokers.Broker.START_SECONDS_MAX):
        def ready():
            if self.process.poll() is not None:
                raise proc.Failed(f"{self.kind} ended: {self.log.read_text(errors='replace')[-3000:]}")
            if "broker" in self.roles:
                return brokers.is_ready("127.0.0.1", self.port)
            return answers(self.controller_port)

        proc.wait_until(f"node in {self.directory} is ready", ready, timeout=timeout, every=0.01)


class Member(_Launched, brokers.Chronik):
    """A Chronik node, which formats itself where the voters are static."""

    def _prepare(self, config):
        if self.format_options and not (self.data / "meta.properties").exists():
            proc.run([install.chronik_binary(), "format", "-t", CLUSTER_ID, "--config", config, *self.format_options])


class KafkaMember(_Launched, brokers.Kafka):
    """A Kafka node, formatted for the cluster's id."""

    heap = "-Xms256m -Xmx768m"

    def _prepare(self, config):
        if not (self.data / "meta.properties").exists():
            home = install.kafka_home()
            proc.run([home / "bin/kafka-storage.sh", "format", "-t", CLUSTER_ID, "-c", config,
                      *(self.format_options or [])])


def answers(port):
    """Whether somebody answers ApiVersions there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
            sock.settimeout(5)
            return struct.unpack(">h", brokers.request(sock, 18, 0)[:2])[0] == 0
    except OSError:
        return False
