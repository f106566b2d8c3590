"""Fetches and builds what the suites need, once, into a cache outside the repository.

Everything comes from package registries through their ordinary clients (Maven, pip, npm, go, cargo,
apt). Each step leaves a marker file named after what it installed, so it runs again only when a
version changes. A step that cannot run here raises `Skip`, which the runner prints.

The cache is `$CHRONIK_CLIENTS_CACHE`, or `~/.cache/chronik-clients`.
"""
import functools
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import venv

from . import proc
from .checks import Skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "clients"
CACHE = pathlib.Path(os.environ.get("CHRONIK_CLIENTS_CACHE", pathlib.Path.home() / ".cache/chronik-clients"))
KAFKA_VERSION = "4.3.1"
RDKAFKA_SYS_VERSION = "4.10.0+2.12.1"
_SLOW = 1500  # seconds that a download or a build may take


def _say(text):
    print(f"      {text}", flush=True)


def _stamp(*files, text=""):
    digest = hashlib.sha256(text.encode())
    for name in files:
        digest.update(pathlib.Path(name).read_bytes())
    return digest.hexdigest()[:16]


def _once(name, stamp, build):
    """The folder `name` of the cache, (re)made by `build(folder)` unless it carries this stamp."""
    folder = CACHE / name
    marker = folder / ".done"
    if marker.exists() and marker.read_text() == stamp:
        return folder
    _say(f"installing {name} into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build(folder)
    marker.write_text(stamp)
    return folder


def apt(command, *packages):
    """Makes `command` available from Debian's packages: only as root, and only when it is missing."""
    if shutil.which(command):
        return shutil.which(command)
    install_packages(packages)
    found = shutil.which(command)
    if not found:
        raise Skip(f"{command} is still missing after apt-get install {' '.join(packages)}")
    return found


def install_packages(packages):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Skip(f"needs the Debian packages {' '.join(packages)}: install them, or run as root")
    _say(f"apt-get install {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    proc.run(["apt-get", "-q", "update"], timeout=_SLOW, env=quiet)
    proc.run(["apt-get", "-qy", "install", "--no-install-recommends", *packages], timeout=_SLOW, env=quiet)


@functools.cache
def chronik_binary():
    """The release binary of this tree, built now if needed; CHRONIK_BIN overrides it."""
    if os.environ.get("CHRONIK_BIN"):
        return pathlib.Path(os.environ["CHRONIK_BIN"])
    _say("cargo build --release (chronik)")
    proc.run(["cargo", "build", "--release", "--locked", "-p", "chronik"], timeout=_SLOW, cwd=ROOT)
    meta = json.loads(_stdout(["cargo", "metadata", "--no-deps", "--format-version", "1"], ROOT))
    return pathlib.Path(meta["target_directory"]) / "release/chronik"


def _stdout(args, cwd):
    child = proc.spawn(args, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return child.communicate()[0].decode()


@functools.cache
def kafka_home():
    """A KAFKA_HOME with `libs/` from Maven Central and `bin/*.sh`; KAFKA_HOME overrides it."""
    if os.environ.get("KAFKA_HOME"):
        return pathlib.Path(os.environ["KAFKA_HOME"])
    source = CLIENTS / "kafka-tools"
    apt("java", "openjdk-17-jre-headless")

    def build(folder):
        apt("mvn", "maven")
        shutil.copy(source / "pom.xml", folder)
        proc.run(["mvn", "-B", "-q", "package"], cwd=folder, timeout=_SLOW)
        proc.run([sys.executable, source / "mkbin.py", folder])

    return _once(f"kafka-{KAFKA_VERSION}", _stamp(source / "pom.xml", source / "mkbin.py"), build)


@functools.cache
def java_program(source):
    """A folder with the classes of one source file that needs nothing but Kafka's libraries."""
    home = kafka_home()

    def build(folder):
        apt("javac", "openjdk-17-jdk-headless")
        proc.run(["javac", "-cp", f"{home}/libs/*", "-d", folder, source], timeout=_SLOW)

    return _once(f"java-{source.stem}", _stamp(source, text=KAFKA_VERSION), build)


@functools.cache
def python():
    """The interpreter of a virtual environment with the Python clients."""
    wanted = CLIENTS / "harness/requirements.txt"

    def build(folder):
        try:
            venv.create(folder, with_pip=True, clear=True)
        except Exception:  # noqa: BLE001 - Debian ships ensurepip in a package of its own
            install_packages(["python3-venv"])
            venv.create(folder, with_pip=True, clear=True)
        proc.run([folder / "bin/pip", "install", "-q", "-r", wanted], timeout=_SLOW)

    return _once("python", _stamp(wanted, text=sys.version), build) / "bin/python"


@functools.cache
def kcat():
    return apt("kcat", "kcat")


_RDKAFKA_DEV = {
    "openssl/ssl.h": "libssl-dev", "zlib.h": "zlib1g-dev", "zstd.h": "libzstd-dev",
    "rapidjson/rapidjson.h": "rapidjson-dev",
}


def _rdkafka_headers():
    places = [pathlib.Path("/usr/include"), *pathlib.Path("/usr/include").glob("*-linux-gnu")]
    missing = [p for h, p in _RDKAFKA_DEV.items() if not any((d / h).exists() for d in places)]
    if missing:
        install_packages(missing)
    apt("g++", "build-essential")


@functools.cache
def librdkafka():
    """librdkafka's source tree from the crate that carries it, with its library and examples built."""

    def build(folder):
        _rdkafka_headers()
        shutil.copytree(_crate_source(folder) / "librdkafka", folder / "librdkafka")
        source = folder / "librdkafka"
        jobs = f"-j{os.cpu_count()}"
        (source / "configure").chmod(0o755)
        for script in source.rglob("*.sh"):
            script.chmod(0o755)
        proc.run(["./configure", "--disable-gssapi", "--disable-curl"], cwd=source, timeout=_SLOW)
        proc.run(["make", jobs, "libs"], cwd=source, timeout=_SLOW)
        proc.run(["make", "-C", "examples", "rdkafka_performance"], cwd=source, timeout=_SLOW)

    return _once("librdkafka", _stamp(text=RDKAFKA_SYS_VERSION), build) / "librdkafka"


def _crate_source(folder):
    """Cargo downloads the crate as a dependency of a project that exists only for that."""
    project = folder / "fetch"
    (project / "src").mkdir(parents=True)
    (project / "src/lib.rs").write_text("")
    (project / "Cargo.toml").write_text(
        '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
        f'rdkafka-sys = "={RDKAFKA_SYS_VERSION}"\n')
    meta = json.loads(_stdout(["cargo", "metadata", "--format-version", "1"], project))
    crate = next(p for p in meta["packages"] if p["name"] == "rdkafka-sys")
    return pathlib.Path(crate["manifest_path"]).parent


@functools.cache
def rdkafka_performance():
    return librdkafka() / "examples/rdkafka_performance"


@functools.cache
def librdkafka_tests():
    """librdkafka's own test runner; it must be started in its folder."""
    tests = librdkafka() / "tests"
    if not (tests / "test-runner").exists():
        _say("building librdkafka's test-runner")
        proc.run(["make", f"-j{os.cpu_count()}", "test-runner"], cwd=tests, timeout=_SLOW)
    return tests


@functools.cache
def franz_go():
    """The folder with the programs on franz-go: `smoke`, `member` and `scale`."""
    source = CLIENTS / "franz-go"
    files = [source / "go.mod", source / "go.sum", *sorted(source.rglob("*.go"))]

    def build(folder):
        _go(["build", "-o", f"{folder}/", "./..."], source)

    return _once("franz-go", _stamp(*files), build)


@functools.cache
def franz_go_tests():
    """franz-go's own tests of its client, as one program."""
    source = CLIENTS / "franz-go"

    def build(folder):
        _go(["test", "-c", "-o", folder / "kgo.test", "github.com/twmb/franz-go/pkg/kgo"], source)

    return _once("franz-go-tests", _stamp(source / "go.mod", source / "go.sum"), build) / "kgo.test"


def _go(args, cwd):
    if not shutil.which("go"):
        raise Skip("needs the go tool chain")
    proc.run(["go", *args], cwd=cwd, timeout=_SLOW)


@functools.cache
def kafkajs():
    """A folder with the KafkaJS smoke program and its modules."""
    source = CLIENTS / "kafkajs"
    names = ["package.json", "package-lock.json"]

    def build(folder):
        if not shutil.which("npm"):
            raise Skip("needs node and npm")
        for name in names:
            shutil.copy(source / name, folder)
        proc.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, timeout=_SLOW)

    return _once("kafkajs", _stamp(*(source / n for n in names)), build)


STEPS = {
    "chronik": chronik_binary, "kafka": kafka_home, "python": python, "kcat": kcat,
    "rdkafka_performance": rdkafka_performance, "librdkafka-tests": librdkafka_tests,
    "franz-go": franz_go, "franz-go-tests": franz_go_tests, "kafkajs": kafkajs,
}
