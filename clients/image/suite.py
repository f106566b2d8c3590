"""The container image without a container engine: `docker-compose.cluster.yml` as its own tool reads it, and its three
nodes started from the image's root file system, each in an empty root and a network of its own, as nobody in particular,
with exactly the command, environment and health check that image and compose file give them.

What an engine adds is added by hand: /etc/hosts with the names of the network, and a volume where the image wants one.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from harness import install, proc
from harness.checks import Skip, contains, equal

NEEDS = ("kcat",)
COMPOSE = install.ROOT / "docker-compose.cluster.yml"
FORBIDDEN = ("Failed to propose", "Failed to elect leader", "Cannot propose")


def run(ctx):
    if ctx.kind != "chronik":
        raise Skip("it is Chronik's image")
    if ctx.quick:
        raise Skip("the static binary is a build of its own: in full only")
    if os.geteuid() != 0:
        raise Skip("namespaces and chroot need root")
    work = pathlib.Path(tempfile.mkdtemp(prefix="chronik-image-"))
    network = Network(work)
    try:
        suite(ctx, work, network)
    finally:
        network.close()
        if not ctx.keep:
            shutil.rmtree(work, ignore_errors=True)


def suite(ctx, work, network):
    options = ["--binary", os.environ["CHRONIK_STATIC_BIN"]] if os.environ.get("CHRONIK_STATIC_BIN") else []
    with ctx.check("cargo xtask image writes root file system and archive"):
        text = proc.run(["cargo", "xtask", "image", "--out", work / "image", *options], timeout=1500, cwd=install.ROOT)
        contains(text, "docker load")
    with ctx.check("docker-compose config accepts the file"):
        services = compose()
        equal(sorted(services), ["chronik-node-1", "chronik-node-2", "chronik-node-3"], "services")
        for name, service in services.items():
            equal((service["container_name"], service["hostname"]), (name, name), "names")
    image = config(work / "image/chronik.tar")
    root = work / "image/rootfs"
    with ctx.check("the image holds the binary and an empty data directory, and nothing else"):
        files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        equal(files, ["chronik"], "files")
    with ctx.check("one node runs on nothing but the image, and its health check passes"):
        alone = Container("alone", {"environment": {}}, image, root, work, network, hosts=False)
        alone.start()
        wait_healthy(alone, alone.image["Healthcheck"]["Test"])
        alone.stop()
    nodes = [Container(name, service, image, root, work, network) for name, service in sorted(services.items())]
    network.name([node.name for node in nodes] + ["client"])
    for node in nodes:
        node.start()
    try:
        cluster(ctx, nodes, services, network)
    finally:
        for node in nodes:
            node.kill()


def cluster(ctx, nodes, services, network):
    with ctx.check("three containers become healthy by their own health checks"):
        for node in nodes:
            wait_healthy(node, services[node.name]["healthcheck"]["test"])
    with ctx.check("the runbook's lines, and none of those that must not be"):
        logs = [node.log.read_text(errors="replace") for node in nodes]
        equal(sum("became leader at term 1," in log for log in logs), 1, "leaders")
        equal(sum("Skipping metadata initialization - this node is a Raft follower" in log for log in logs), 2, "followers")
        for log in logs:
            contains(log, "Assigned partition __meta-0: replicas=[1, 2, 3], leader=1, ISR=[1, 2, 3]")
            equal([words for words in FORBIDDEN if words in log], [], "forbidden lines")
            # Without a network's worth of authentication the listeners are named, and nothing else is complained of.
            bad = [line for line in log.splitlines() if " WARN " in line or " ERROR " in line]
            equal([line for line in bad if "without authentication" not in line], [], "warnings")
    boot = ",".join(f"{node.name}:19092" for node in nodes)
    lines = "".join(f"record {number}\n" for number in range(1000))
    with ctx.check("kcat produces with acks=all by the containers' names and reads it all back"):
        network.run("client", install.kcat(), "-b", boot, "-P", "-t", "orders", "-X", "acks=all", stdin=lines)
        equal(consumed(network, boot), sorted(lines.splitlines()), "records")
        meta = json.loads(network.run("client", install.kcat(), "-b", boot, "-L", "-J", "-t", "orders"))
        equal({len(part["replicas"]) for part in meta["topics"][0]["partitions"]}, {3}, "replicas")
    with ctx.check("the published listener tells clients of the host's ports"):
        meta = json.loads(network.run(nodes[0].name, install.kcat(), "-b", "localhost:9092", "-L", "-J"))
        equal(sorted(broker["name"] for broker in meta["brokers"]), [f"localhost:{9092 + at}" for at in range(3)], "brokers")
    with ctx.check("a container that is stopped and started again finds its volume; nothing is lost meanwhile"):
        nodes[0].stop()
        equal(consumed(network, f"{nodes[1].name}:19092"), sorted(lines.splitlines()), "records without node 1")
        nodes[0].start()
        wait_healthy(nodes[0], services[nodes[0].name]["healthcheck"]["test"])
    with ctx.check("all stop cleanly on the image's stop signal"):
        for node in nodes:
            node.stop()


def consumed(network, boot):
    out = network.run("client", install.kcat(), "-b", boot, "-C", "-t", "orders", "-o", "beginning", "-e", "-q")
    return sorted(out.splitlines())


def compose():
    """The services, as docker-compose itself understands the file."""
    tool = install.apt("docker-compose", "docker-compose")
    text = proc.run([tool, "-f", COMPOSE, "config"])
    # docker-compose is written in Python and brings a reader of YAML for the system's own interpreter.
    script = "import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
    return json.loads(proc.run(["/usr/bin/python3", "-c", script], stdin=text))["services"]


def config(archive):
    """The image's configuration, found as `docker load` finds it."""
    with tarfile.open(archive) as tar:
        read = lambda name: json.load(tar.extractfile(name))  # noqa: E731
        return read(read("manifest.json")[0]["Config"])["config"]


def wait_healthy(node, test):
    equal(test[0], "CMD", "a check without a shell")

    def healthy():
        if node.process.poll() is not None:
            raise proc.Failed(f"{node.name} ended: {node.log.read_text(errors='replace')[-3000:]}")
        return subprocess.run(node.inside(test[1:]), capture_output=True, timeout=30, check=False).returncode == 0

    proc.wait_until(f"{node.name} is healthy", healthy, timeout=60, every=0.05)


class Network:
    """A bridge, and a network namespace on it for each container and for the client."""

    def __init__(self, work):
        self.tag = f"ci{os.getpid() % 100000}"
        self.work, self.addresses = work, {}
        ip("link", "add", self.tag, "type", "bridge")
        ip("link", "set", self.tag, "up")

    def space(self, name):
        return f"{self.tag}-{name}"

    def add(self, name):
        if name in self.addresses:
            return
        at = len(self.addresses) + 1
        self.addresses[name] = f"10.213.77.{at}"
        ip("netns", "add", self.space(name))
        outer = f"{self.tag}v{at}"
        ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", self.space(name))
        ip("link", "set", outer, "master", self.tag, "up")
        for words in (["addr", "add", f"{self.addresses[name]}/24", "dev", "eth0"], ["link", "set", "eth0", "up"],
                      ["link", "set", "lo", "up"]):
            ip("-n", self.space(name), *words)

    def name(self, names):
        """Every one of them knows all by name."""
        for name in names:
            self.add(name)
        # `ip netns exec` puts this in the place of /etc/hosts.
        folder = pathlib.Path("/etc/netns") / self.space("client")
        folder.mkdir(parents=True)
        (folder / "hosts").write_text(self.hosts())

    def hosts(self):
        return "127.0.0.1 localhost\n" + "".join(f"{at} {name}\n" for name, at in self.addresses.items())

    def run(self, name, *args, **options):
        return proc.run(["ip", "netns", "exec", self.space(name), *args], timeout=60, **options)

    def close(self):
        for name in self.addresses:
            subprocess.run(["ip", "netns", "del", self.space(name)], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.tag], check=False, capture_output=True)
        shutil.rmtree(f"/etc/netns/{self.space('client')}", ignore_errors=True)


def ip(*words):
    proc.run(["ip", *words])


class Container:
    """A service as an engine would run it."""

    def __init__(self, name, service, image, root, work, network, hosts=True):
        self.name, self.image, self.network, self.has_hosts = name, image, network, hosts
        self.root = work / name
        shutil.copytree(root, self.root)
        user = [int(part) for part in image["User"].split(":")]
        for volume in image["Volumes"]:
            os.chown(self.root / volume.lstrip("/"), *user)
        given = {key: str(value) for key, value in service["environment"].items()}
        self.environment = {**dict(pair.split("=", 1) for pair in image["Env"]), **given}
        self.log = work / f"{name}.log"
        self.process = None
        network.add(name)

    def inside(self, command):
        clean = ["env", "-i", *(f"{key}={value}" for key, value in self.environment.items())]
        root = [shutil.which("chroot"), f"--userspec={self.image['User']}", str(self.root)]
        # A host name of its own, as an engine gives it.
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        return ["ip", "netns", "exec", self.network.space(self.name), *named, *clean, *root, *command]

    def start(self):
        if self.has_hosts:
            (self.root / "etc").mkdir(exist_ok=True)
            (self.root / "etc/hosts").write_text(self.network.hosts())
        with open(self.log, "ab") as log:
            command = self.inside([*self.image["Entrypoint"], *self.image["Cmd"]])
            self.process = proc.spawn(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def stop(self):
        self.process.terminate()
        equal(self.process.wait(60), 0, f"{self.name}'s exit code")

    def kill(self):
        if self.process is not None:
            proc.kill_group(self.process)
            self.process.wait()
