"""kafka-dump-log reads what the broker wrote, without a complaint: segments, indexes, snapshots, the metadata log.

The broker runs with small segments and a dense index, takes every codec, idempotent batches and a log start in
the middle, then is stopped, once cleanly and once by kill -9 and a restart.
"""
import re

from harness.checks import equal
from harness.tools import Tools
from harness.tools import run as run_tool

NEEDS = ("kafka", "python")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
COMPLAINTS = re.compile(r"mismatch|out of order|non-?consecutive|invalid bytes|isvalid: false|not found in the log|"
                        r"unknown file|ignoring|exception|corrupt|could not|is followed by", re.I)


def run(ctx):
    broker = ctx.own_broker(properties={"log.segment.bytes": "1048576", "log.index.interval.bytes": "512",
                                        "metadata.log.max.record.bytes.between.snapshots": "2000"}).start()
    tools = Tools(broker.bootstrap)
    topic = ctx.topic("dumped")
    tools("topics", "--create", "--topic", topic, "--partitions", "2")
    sent = load(broker.bootstrap, topic, 2_000 if ctx.quick else 20_000)
    broker.stop()
    with ctx.check("after a clean stop: every segment, index and producer snapshot"):
        judge(ctx, broker, topic, sent)
    with ctx.check("after a clean stop: __cluster_metadata, its snapshots and its indexes"):
        judge_metadata(ctx, broker)
    broker.start()
    sent += load(broker.bootstrap, topic, 500)
    broker.kill()
    broker.start()
    sent += load(broker.bootstrap, topic, 100)
    broker.stop()
    with ctx.check("after kill -9, recovery and a clean stop: the same"):
        judge(ctx, broker, topic, sent)
        judge_metadata(ctx, broker)


def load(bootstrap, topic, count):
    """Sends `count` records with each codec, idempotent; returns how many in all.

    With kafka-python, since librdkafka sends lz4 only to brokers that know consumer groups.
    """
    from kafka import KafkaProducer

    for codec in CODECS:
        producer = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, linger_ms=1, batch_size=8192,
                                 compression_type=None if codec == "none" else codec)
        for i in range(count):
            producer.send(topic, b"%d " % i + b"x" * 300, key=b"k%d" % i, partition=i % 2, headers=[("h", b"1")])
        producer.flush(120)
        producer.close()
    return count * len(CODECS)


def dump(files, *options):
    """The dump of these files, which must not hold a complaint."""
    out = run_tool("dump-log", "--files", ",".join(str(f) for f in files), *options, timeout=300)
    found = [line for line in out.splitlines() if COMPLAINTS.search(line) and not line.startswith("|")]
    assert not found, "\n".join(found[:20])
    return out


def judge(ctx, broker, topic, sent):
    folders = [broker.data / f"{topic}-{p}" for p in (0, 1)]
    by_kind = {kind: sorted(f for d in folders for f in d.glob(f"*.{kind}"))
               for kind in ("log", "index", "timeindex", "txnindex", "snapshot")}
    for kind in ("log", "index", "timeindex", "snapshot"):
        assert by_kind[kind], f"no .{kind} in {folders}"
    assert len(by_kind["log"]) >= (4 if not ctx.quick else 2), by_kind["log"]
    out = dump(by_kind["log"], "--deep-iteration", "--print-data-log")
    equal(out.count("| offset: "), sent, "records in the segments")
    equal(sorted(set(re.findall(r"compresscodec: (\w+)", out))), sorted(CODECS), "codecs")
    out = dump(by_kind["index"] + by_kind["timeindex"])
    assert re.search(r"offset: \d+ position: \d+", out), out[-500:]
    assert re.search(r"timestamp: \d+ offset: \d+", out), out[-500:]
    dump(by_kind["index"] + by_kind["timeindex"], "--index-sanity-check")
    if by_kind["txnindex"]:
        dump(by_kind["txnindex"])
    out = dump(by_kind["snapshot"])
    assert re.search(r"producerId: \d+ producerEpoch: \d+", out), out[-500:]
    equal({d.name: sorted(f.name for f in d.iterdir() if f.suffix not in (
        ".log", ".index", ".timeindex", ".txnindex", ".snapshot")) for d in folders},
        {d.name: ["leader-epoch-checkpoint", "partition.metadata"] for d in folders}, "other files")


def judge_metadata(ctx, broker):
    folder = broker.data / "__cluster_metadata-0"
    logs, snapshots = sorted(folder.glob("*.log")), sorted(folder.glob("*.checkpoint"))
    out = dump(logs, "--cluster-metadata-decoder")
    for record in ("TOPIC_RECORD", "PARTITION_RECORD", "REGISTER_BROKER_RECORD", "LeaderChange"):
        assert record in out or snapshots, f"{record} is neither in the log nor can it be in a snapshot"
    indexes = sorted(folder.glob("*.index")) + sorted(folder.glob("*.timeindex"))
    if indexes:
        dump(indexes)
    if snapshots:
        text = dump(snapshots, "--cluster-metadata-decoder")
        assert "SnapshotHeader" in text and "SnapshotFooter" in text, text[-800:]
    ctx.check.note(f"{len(logs)} metadata segments, {len(snapshots)} metadata snapshots")
