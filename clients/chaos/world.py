"""A cluster whose nodes have a network and a disk of their own, so that each can fail alone.

Every node lives in a network namespace that hangs on a bridge, and keeps its data on an ext4 file system of its own, in a
file behind a loop device. A direction from one node to another is cut by giving the sender a wrong address of the
receiver's network card: what it sends is lost on the way, without a word, as with a broken switch. A disk is filled with
one big file, and slowed by the kernel's limit of writes a second for its loop device. All this needs root.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from harness import brokers, install, proc
from harness.checks import Skip
from harness.cluster import CLUSTER_ID, Cluster, Member

IDS = (1, 2, 3)
PORT, CONTROLLER_PORT = 9092, 9093
NOBODY = "02:00:00:00:00:99"
THROTTLE = pathlib.Path("/sys/fs/cgroup/blkio/blkio.throttle.write_iops_device")
DISK_BYTES = 6 << 30


def sh(*args):
    """Runs a system command; raises with its output when it fails."""
    return proc.run(args, timeout=60)


def needs():
    """Raises `Skip` where namespaces and loop devices cannot be had."""
    if os.geteuid() != 0:
        raise Skip("needs root: every node gets a network namespace and a loop device")
    for tool in ("ip", "nsenter", "losetup", "mkfs.ext4"):
        if not shutil.which(tool):
            raise Skip(f"needs {tool}")


class Net:
    """The bridge and the namespaces. Names carry our process id, so that runs do not meet, and leftovers are known."""

    def __init__(self):
        self.tag = f"cx{os.getpid()}"
        self.prefix = f"10.{64 + os.getpid() // 250 % 128}.{os.getpid() % 250}"
        self.bridge = f"{self.tag}b"
        self.cuts = set()

    def ns(self, id_):
        return f"{self.tag}n{id_}"

    def host(self, id_):
        return f"{self.prefix}.{id_}"

    def make(self):
        remove_leftovers()
        sh("ip", "link", "add", self.bridge, "type", "bridge")
        sh("ip", "addr", "add", f"{self.prefix}.254/24", "dev", self.bridge)
        sh("ip", "link", "set", self.bridge, "up")
        for id_ in IDS:
            ns, outer = self.ns(id_), f"{self.tag}v{id_}"
            sh("ip", "netns", "add", ns)
            sh("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", ns)
            sh("ip", "link", "set", outer, "master", self.bridge, "up")
            sh("ip", "-n", ns, "link", "set", "lo", "up")
            sh("ip", "-n", ns, "addr", "add", f"{self.host(id_)}/24", "dev", "eth0")
            sh("ip", "-n", ns, "link", "set", "eth0", "up")

    def cut(self, sender, receiver):
        """What `sender` sends to `receiver` is lost from now on. Node 254 stands for the clients."""
        sh("ip", "-n", self.ns(sender), "neigh", "replace", self.host(receiver), "lladdr", NOBODY, "dev", "eth0",
           "nud", "permanent")
        self.cuts.add((sender, receiver))

    def heal(self):
        for sender, receiver in self.cuts:
            # The entry is gone already where the interface was down meanwhile: not a fault, as it would be for "del".
            sh("ip", "-n", self.ns(sender), "neigh", "flush", "to", self.host(receiver), "dev", "eth0", "nud", "all")
        self.cuts.clear()

    def unplug(self, id_):
        """Nothing comes or goes, not even the word that a process has ended."""
        sh("ip", "-n", self.ns(id_), "link", "set", "eth0", "down")

    def plug(self, id_):
        sh("ip", "-n", self.ns(id_), "link", "set", "eth0", "up")

    def close(self):
        for id_ in IDS:
            subprocess.run(["ip", "netns", "del", self.ns(id_)], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.bridge], check=False, capture_output=True)


def remove_leftovers():
    """Takes away what a run left behind that was killed itself."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        found = re.fullmatch(r"cx(\d+)n\d+", name)
        if found and not os.path.exists(f"/proc/{found[1]}"):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
            subprocess.run(["ip", "link", "del", f"cx{found[1]}b"], check=False, capture_output=True)


class Disk:
    """One file system in a file."""

    def __init__(self, image, mount):
        self.image, self.mount = pathlib.Path(image), pathlib.Path(mount)
        self.filler = self.mount / "filler"

    def make(self):
        self.mount.mkdir(parents=True)
        with open(self.image, "wb") as file:
            file.truncate(DISK_BYTES)
        sh("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0", self.image)
        device = sh("losetup", "--find", "--show", "--direct-io=on", self.image).strip()
        self.device = device
        self.number = pathlib.Path(f"/sys/block/{pathlib.Path(device).name}/dev").read_text().strip()
        sh("mount", "-o", "noatime", device, self.mount)

    def fill(self):
        """Leaves no room at all."""
        with open(self.filler, "ab") as file:
            step = 1 << 30
            size = 0
            while step >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), size, step)
                    size += step
                except OSError:
                    step //= 2

    def make_room(self):
        self.filler.unlink(missing_ok=True)

    def slow(self, writes_per_second):
        """0: as fast as it can."""
        THROTTLE.write_text(f"{self.number} {writes_per_second}")

    def close(self, keep):
        """`keep`: leaves the image, to be mounted for a look."""
        if not hasattr(self, "device"):
            return
        self.slow(0)
        subprocess.run(["umount", "-l", str(self.mount)], check=False, capture_output=True)
        subprocess.run(["losetup", "-d", self.device], check=False, capture_output=True)
        if not keep:
            self.image.unlink(missing_ok=True)


class Node(Member):
    """A Chronik node in its namespace, on its disk."""

    def __init__(self, net, id_, directory, properties):
        self.net, self.id = net, id_
        super().__init__(["broker", "controller"], directory=directory, properties=properties,
                         ports=(PORT, CONTROLLER_PORT))
        self.disk = Disk(self.directory / "disk.img", self.directory / "disk")
        self.data = self.disk.mount / "data"

    @property
    def bootstrap(self):
        return f"{self.net.host(self.id)}:{PORT}"

    def _command(self, config):
        return ["nsenter", f"--net=/run/netns/{self.net.ns(self.id)}", install.chronik_binary(), "start", "--config", config]

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def wait(self, timeout=120):
        def ready():
            if not self.alive:
                raise proc.Failed(f"node {self.id} ended: {self.log.read_text(errors='replace')[-3000:]}")
            return brokers.is_ready(self.net.host(self.id), PORT)

        proc.wait_until(f"node {self.id} is ready", ready, timeout=timeout, every=0.02)

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        if self.alive:
            os.kill(self.pid, signal.SIGCONT)


class World(Cluster):
    """Three nodes in both roles."""

    def __init__(self, directory, properties):
        self.net = Net()
        self.kind, self.kinds = "chronik", dict.fromkeys(IDS, "chronik")
        self.directory = pathlib.Path(directory)
        self.brokers = list(IDS)
        voters = ",".join(f"{id_}@{self.net.host(id_)}:{CONTROLLER_PORT}" for id_ in IDS)
        self.nodes = {}
        for id_ in IDS:
            host = self.net.host(id_)
            listeners = f"PLAINTEXT://{host}:{PORT},CONTROLLER://{host}:{CONTROLLER_PORT}"
            self.nodes[id_] = Node(self.net, id_, self.directory / str(id_), {
                "node.id": str(id_), "cluster.id": CLUSTER_ID, "controller.quorum.voters": voters,
                "controller.quorum.bootstrap.servers": "", "listeners": listeners, "advertised.listeners": listeners,
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name": "PLAINTEXT", "chronik.http.listener": "", **properties,
            })

    def make(self):
        """Networks and disks, then the nodes."""
        self.net.make()
        for node in self.nodes.values():
            node.directory.mkdir(parents=True)
            node.disk.make()
        return self.start()

    def heal(self):
        """Takes every fault away and starts whoever is down."""
        self.net.heal()
        for node in self.nodes.values():
            self.net.plug(node.id)
            node.disk.make_room()
            node.disk.slow(0)
            node.resume()
            if not node.alive:
                node.launch()

    def close(self, keep=False):
        for node in self.nodes.values():
            node.kill()
        for _ in range(50):
            if not any(node.alive for node in self.nodes.values()):
                break
            time.sleep(0.02)
        for node in self.nodes.values():
            node.disk.close(keep)
        self.net.close()
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)
