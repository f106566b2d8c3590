"""kcat (librdkafka's command line): metadata, produce, consume, offsets by time, headers, all codecs."""
import json
import re
import time

from harness import install, proc
from harness.checks import contains, equal

NEEDS = ("kcat",)


def run(ctx):
    boot = ctx.broker.bootstrap

    def kcat(*args, **options):
        return proc.run([install.kcat(), "-b", boot, *args], timeout=60, **options)

    t = ctx.topic("kcat")
    with ctx.check("kcat -P creates the topic (auto-creation) and produces keys and headers"):
        lines = "".join(f"k{i}|value {i}\n" for i in range(1000))
        kcat("-P", "-t", t, "-p", "0", "-K", "|", "-H", "h=1", "-H", "h=2", "-X", "acks=all", stdin=lines)
    with ctx.check("kcat -L lists the broker, the topic and its leader"):
        meta = json.loads(kcat("-L", "-J", "-t", t))
        equal([b["name"] for b in meta["brokers"]], [boot], "brokers")
        equal(meta["topics"][0]["topic"], t, "topic")
        equal(meta["topics"][0]["partitions"][0]["leader"], 1, "leader")
    with ctx.check("kcat -C returns what was produced, in order"):
        out = kcat("-C", "-t", t, "-p", "0", "-o", "beginning", "-e", "-q", "-J")
        rows = [json.loads(line) for line in out.splitlines()]
        equal([(r["offset"], r["key"], r["payload"]) for r in rows],
              [(i, f"k{i}", f"value {i}") for i in range(1000)], "records")
        equal(rows[0]["headers"], ["h", "1", "h", "2"], "headers, duplicates kept")
    with ctx.check("kcat -C from an offset, from the end, and a count"):
        out = kcat("-C", "-t", t, "-p", "0", "-o", "990", "-c", "5", "-q", "-f", "%o\n")
        equal(out.split(), ["990", "991", "992", "993", "994"], "offsets")
        out = kcat("-C", "-t", t, "-p", "0", "-o", "-3", "-e", "-q", "-f", "%o\n")
        equal(out.split(), ["997", "998", "999"], "last three")
    with ctx.check("kcat -Q finds offsets by time"):
        def offset(at):
            return int(re.search(r"offset (-?\d+)", kcat("-Q", "-t", f"{t}:0:{at}"))[1])
        equal(offset(0), 0, "by time 0")
        equal(offset(-2), 0, "earliest")
        equal(offset(-1), 1000, "latest")
        assert offset(int(time.time() * 1000) + 3_600_000) in (-1, 1000), "in the future"
    with ctx.check("kcat -C from a time"):
        out = kcat("-C", "-t", t, "-p", "0", "-o", "s@0", "-c", "1", "-q", "-f", "%o")
        equal(out.strip(), "0", "first offset")
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        with ctx.check(f"kcat -z {codec}: there and back"):
            c = ctx.topic(f"kcat-{codec}")
            kcat("-P", "-t", c, "-p", "0", "-z", codec, stdin="".join(f"{i} {'x' * 200}\n" for i in range(500)))
            out = kcat("-C", "-t", c, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%s\n")
            equal(out.splitlines(), [f"{i} {'x' * 200}" for i in range(500)], "records")
    with ctx.check("kcat with idempotence and a tombstone (-Z)"):
        c = ctx.topic("kcat-idempotent")
        kcat("-P", "-t", c, "-p", "0", "-Z", "-K", "|", "-X", "enable.idempotence=true", stdin="a|1\nb|\n")
        rows = [json.loads(line) for line in
                kcat("-C", "-t", c, "-p", "0", "-o", "beginning", "-e", "-q", "-J").splitlines()]
        equal([(r["key"], r["payload"]) for r in rows], [("a", "1"), ("b", None)], "records")
    with ctx.check("kcat -C of a topic that does not exist ends with an error"):
        out = kcat("-C", "-t", ctx.topic("none"), "-p", "0", "-e", "-X", "allow.auto.create.topics=false", expect="failure")
        contains(out, "nknown topic or partition")
