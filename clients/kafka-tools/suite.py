"""Kafka's own Java tools, unmodified, against one broker.

What is expected is what Apache Kafka 4.3.1 prints; `clients/run kafka-tools --broker kafka` shows that
it holds there.
"""
import json
import re
import tempfile
import time

from harness.checks import contains, equal
from harness.tools import Tools
from harness.tools import run as run_tool

NEEDS = ("kafka",)
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

# API -> newest version of Kafka 4.3.1's brokers, for what a single node must serve.
NEWEST = {
    "Produce": 13, "Fetch": 18, "ListOffsets": 11, "Metadata": 13, "CreateTopics": 7, "DeleteTopics": 6,
    "DeleteRecords": 2, "InitProducerId": 5, "OffsetForLeaderEpoch": 4, "DescribeConfigs": 4, "AlterConfigs": 2,
    "DescribeLogDirs": 5, "CreatePartitions": 3, "IncrementalAlterConfigs": 1, "DescribeCluster": 2,
    "DescribeProducers": 0, "DescribeTopicPartitions": 0, "ApiVersions": 4, "ListConfigResources": 1,
}


def run(ctx):
    tools = Tools(ctx.broker.bootstrap)
    for part in (cluster, topics, console, offsets, delete_records, configs, log_dirs, producers):
        part(ctx, tools)


def cluster(ctx, tools):
    with ctx.check("kafka-broker-api-versions: each API at Kafka's newest version"):
        out = tools("broker-api-versions")
        found = {name: int(newest) for name, newest in re.findall(r"(\w+)\(\d+\): \d+(?: to (\d+))? \[usable", out) if newest}
        found.update({name: int(only) for name, only in re.findall(r"(\w+)\(\d+\): (\d+) \[usable", out)})
        equal({k: found.get(k) for k in NEWEST}, NEWEST, "newest versions")
    with ctx.check("kafka-cluster cluster-id and list-endpoints"):
        at = ("--bootstrap-server", tools.bootstrap)
        out = run_tool("cluster", "cluster-id", *at)
        cluster_id = re.search(r"Cluster ID: ([\w-]{22})", out)
        assert cluster_id, out
        if ctx.broker.local:
            contains((ctx.broker.data / "meta.properties").read_text(), f"cluster.id={cluster_id[1]}")
        contains(run_tool("cluster", "list-endpoints", *at), "127.0.0.1", str(ctx.broker.bootstrap.rsplit(":", 1)[1]))


def topics(ctx, tools):
    t = ctx.topic("topics")
    with ctx.check("kafka-topics --create with partitions and configs"):
        out = tools("topics", "--create", "--topic", t, "--partitions", "3", "--config", "retention.ms=86400000",
                    "--config", "segment.bytes=1048576")
        contains(out, f"Created topic {t}.")
    with ctx.check("kafka-topics --create refuses what exists, unless --if-not-exists"):
        contains(tools("topics", "--create", "--topic", t, expect=1), "TopicExistsException", "already exists")
        tools("topics", "--create", "--topic", t, "--if-not-exists")
    with ctx.check("kafka-topics --create refuses bad names, configs and replication"):
        contains(tools("topics", "--create", "--topic", "not/valid", expect=1), "InvalidTopicException")
        contains(tools("topics", "--create", "--topic", t + "-x", "--config", "no.such.config=1", expect=1),
                 "Unknown topic config name")
        contains(tools("topics", "--create", "--topic", t + "-x", "--config", "retention.ms=soon", expect=1), "retention.ms")
        contains(tools("topics", "--create", "--topic", t + "-x", "--replication-factor", "2", expect=1),
                 "InvalidReplicationFactorException")
        contains(tools("topics", "--create", "--topic", t + "-x", "--partitions", "0", expect=1), "partitions")
    with ctx.check("kafka-topics --create --replica-assignment"):
        tools("topics", "--create", "--topic", t + "-placed", "--replica-assignment", "1,1")
        contains(tools("topics", "--describe", "--topic", t + "-placed"), "PartitionCount: 2", "Replicas: 1\tIsr: 1")
    with ctx.check("kafka-topics --list and --describe"):
        contains(tools("topics", "--list"), t, t + "-placed")
        out = tools("topics", "--describe", "--topic", t)
        contains(out, "PartitionCount: 3", "ReplicationFactor: 1", "retention.ms=86400000", "segment.bytes=1048576",
                 "Partition: 2\tLeader: 1\tReplicas: 1\tIsr: 1")
        assert re.search(r"TopicId: [\w-]{22}", out), out
        equal(tools("topics", "--describe", "--under-replicated-partitions").strip(), "", "under-replicated partitions")
        equal(tools("topics", "--describe", "--unavailable-partitions").strip(), "", "unavailable partitions")
    with ctx.check("kafka-topics --alter --partitions grows and does not shrink"):
        tools("topics", "--alter", "--topic", t, "--partitions", "5")
        contains(tools("topics", "--describe", "--topic", t), "PartitionCount: 5")
        contains(tools("topics", "--alter", "--topic", t, "--partitions", "4", expect=1), "InvalidPartitionsException")
        contains(tools("topics", "--alter", "--topic", t, "--partitions", "5", expect=1), "InvalidPartitionsException")
    with ctx.check("kafka-topics --delete, and again"):
        tools("topics", "--delete", "--topic", t)
        listed = tools("topics", "--list").split()
        assert t not in listed, listed
        contains(tools("topics", "--delete", "--topic", t, expect=1), "does not exist")
        contains(tools("topics", "--describe", "--topic", t, expect=1), "does not exist")


def console(ctx, tools):
    t = ctx.topic("console")
    tools("topics", "--create", "--topic", t, "--partitions", "2")
    lines = [f"h{i}:v{i}\tk{i}\tvalue {i} äöü" for i in range(50)]
    read = ("--property", "print.key=true", "--property", "print.headers=true", "--property", "print.offset=true",
            "--property", "print.partition=true")
    with ctx.check("kafka-console-producer with keys and headers"):
        tools("console-producer", "--topic", t, "--property", "parse.key=true", "--property", "parse.headers=true",
              stdin="\n".join(lines) + "\n")
        equal(sum(tools.offsets(t).values()), 50, "records in the topic")
    with ctx.check("kafka-console-consumer --partition --from-beginning returns all of it"):
        got = []
        for partition, end in tools.offsets(t).items():
            if end:
                out = tools("console-consumer", "--topic", t, "--partition", partition, "--from-beginning",
                            "--max-messages", end, "--timeout-ms", "30000", *read)
                rows = [line for line in out.splitlines() if line.startswith("Partition:")]
                for i, row in enumerate(rows):
                    contains(row, f"Partition:{partition}", f"Offset:{i}\t")
                got += [row.split("\t", 2)[2] for row in rows]
        equal(sorted(got), sorted(lines), "records")
    with ctx.check("kafka-console-consumer --partition --offset N"):
        partition, end = next((p, e) for p, e in tools.offsets(t).items() if e > 3)
        out = tools("console-consumer", "--topic", t, "--partition", partition, "--offset", "3",
                    "--max-messages", end - 3, "--timeout-ms", "30000", *read)
        offsets_read = [int(n) for n in re.findall(r"Offset:(\d+)", out)]
        equal(offsets_read, list(range(3, end)), "offsets")
    with ctx.check("kafka-console-consumer from the end waits and gets nothing"):
        out = tools("console-consumer", "--topic", t, "--partition", "0", "--offset", "latest", "--timeout-ms", "1500",
                    expect=None)
        contains(out, "Processed a total of 0 messages")
    with ctx.check("kafka-console-producer --compression-codec, acks=1 and a tombstone-like empty value"):
        for codec in CODECS[1:]:
            tools("console-producer", "--topic", t, "--compression-codec", codec, "--request-required-acks", "1",
                  "--command-property", "enable.idempotence=false", stdin=f"{codec}\n\n")
        equal(sum(tools.offsets(t).values()), 58, "records in the topic")


def offsets(ctx, tools):
    t = ctx.topic("offsets")
    tools("topics", "--create", "--topic", t, "--partitions", "1")
    base = (int(time.time()) - 7200) * 1000
    gap = 600_000  # ms; the tool lets its timestamps drift by seconds
    with ctx.check("kafka-get-offsets: earliest and latest of an empty partition; no timestamps in it"):
        equal(tools.offsets(t, "-2"), {0: 0})
        equal(tools.offsets(t, "-1"), {0: 0})
        for special in ("-3", str(base)):
            out = tools("get-offsets", "--topic", t, "--time", special)
            assert not re.search(rf"{t}:0:\d", out), out
    with ctx.check("kafka-verifiable-producer with given timestamps"):
        for i in range(3):
            out = tools("verifiable-producer", "--topic", t, "--max-messages", "10", "--acks", "-1",
                        "--message-create-time", base + i * gap, "--throughput", "-1")
            events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
            equal(len([e for e in events if e["name"] == "producer_send_success"]), 10, "acked sends")
            equal([e["acked"] for e in events if e["name"] == "tool_data"], [10], "acked")
    with ctx.check("kafka-get-offsets: earliest, latest, max-timestamp, earliest-local and by time"):
        equal(tools.offsets(t, "earliest"), {0: 0}, "earliest")
        equal(tools.offsets(t, "latest"), {0: 30}, "latest")
        biggest = tools.offsets(t, "max-timestamp")[0]
        assert 20 <= biggest < 30, biggest
        equal(tools.offsets(t, "-4"), {0: 0}, "earliest-local")
        equal(tools.offsets(t, str(base - 1)), {0: 0}, "before all")
        equal(tools.offsets(t, str(base + gap // 2)), {0: 10}, "second run")
        equal(tools.offsets(t, str(base + gap + gap // 2)), {0: 20}, "third run")
        equal(tools.offsets(t, str(base + 3 * gap)), {}, "after all")
    with ctx.check("kafka-get-offsets: a pattern and chosen partitions"):
        contains(tools("get-offsets", "--topic-partitions", f"{t}:0"), f"{t}:0:30")
        contains(tools("get-offsets", "--topic", t[:-1] + ".*", "--time", "-1"), f"{t}:0:30")


def delete_records(ctx, tools):
    t = ctx.topic("delete-records")
    tools("topics", "--create", "--topic", t, "--partitions", "1")
    tools("verifiable-producer", "--topic", t, "--max-messages", "100", "--throughput", "-1")

    def delete(offset, expect=0):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump({"partitions": [{"topic": t, "partition": 0, "offset": offset}], "version": 1}, f)
            f.flush()
            return tools("delete-records", "--offset-json-file", f.name, expect=expect)

    with ctx.check("kafka-delete-records moves the log start, and only forward"):
        contains(delete(40), f"partition: {t}-0", "low_watermark: 40")
        equal(tools.offsets(t, "-2"), {0: 40}, "earliest")
        contains(delete(10), "low_watermark: 40")
        contains(delete(200, expect=None), "OffsetOutOfRangeException")
    with ctx.check("kafka-console-consumer --from-beginning starts at the log start"):
        out = tools("console-consumer", "--topic", t, "--partition", "0", "--from-beginning", "--max-messages", "60",
                    "--timeout-ms", "30000", "--property", "print.offset=true")
        equal([int(n) for n in re.findall(r"Offset:(\d+)", out)], list(range(40, 100)), "offsets")
    with ctx.check("kafka-delete-records to the high watermark empties the partition"):
        contains(delete(-1), "low_watermark: 100")
        equal(tools.offsets(t, "-2"), {0: 100}, "earliest")


def configs(ctx, tools):
    t = ctx.topic("configs")
    topic = ("--entity-type", "topics", "--entity-name", t)
    tools("topics", "--create", "--topic", t, "--partitions", "1")
    with ctx.check("kafka-configs --alter --add-config of a topic"):
        tools("configs", "--alter", *topic, "--add-config", "max.message.bytes=2000,cleanup.policy=[delete],compression.type=lz4")
        out = tools("configs", "--describe", *topic)
        contains(out, "max.message.bytes=2000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000",
                 "DEFAULT_CONFIG:message.max.bytes=1048588", "cleanup.policy=delete", "compression.type=lz4")
    with ctx.check("a topic's max.message.bytes acts at once"):
        out = tools("producer-perf-test", "--topic", t, "--num-records", "3", "--record-size", "3000", "--throughput", "-1",
                    expect=None)
        contains(out, "RecordTooLargeException")
        equal(tools.offsets(t), {0: 0}, "latest")
    with ctx.check("kafka-configs --describe --all of a topic"):
        out = tools("configs", "--describe", "--all", *topic)
        names = re.findall(r"^  ([\w.]+)=", out, re.M)
        for name in ("retention.ms", "segment.bytes", "flush.messages", "min.insync.replicas", "compression.type",
                     "message.timestamp.type", "unclean.leader.election.enable", "remote.storage.enable"):
            assert name in names, f"{name} not in {names}"
    with ctx.check("kafka-configs --alter --delete-config of a topic"):
        tools("configs", "--alter", *topic, "--delete-config", "max.message.bytes")
        out = tools("configs", "--describe", *topic)
        assert "max.message.bytes" not in out, out
    with ctx.check("kafka-configs refuses unknown and invalid topic configs"):
        contains(tools("configs", "--alter", *topic, "--add-config", "no.such=1", expect="failure"), "InvalidConfigurationException")
        contains(tools("configs", "--alter", *topic, "--add-config", "retention.ms=x", expect="failure"), "retention.ms")
        contains(tools("configs", "--describe", "--entity-type", "topics", "--entity-name", t + "-none"),
                 "doesn't exist")
    with ctx.check("kafka-configs --describe of a broker"):
        out = tools("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1", "--all")
        contains(out, "All configs for broker 1 are:", "node.id=1", "STATIC_BROKER_CONFIG:node.id=1", "log.retention.hours=168")
    with ctx.check("kafka-configs: a dynamic cluster-wide default, a broker's own value above it, and back"):
        default = ("--entity-type", "brokers", "--entity-default")
        tools("configs", "--alter", *default, "--add-config", "message.max.bytes=2000000")
        out = tools("configs", "--describe", *default)
        contains(out, "message.max.bytes=2000000")
        tools("configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", "message.max.bytes=1900000")
        out = tools("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1")
        contains(out, "message.max.bytes=1900000", "DYNAMIC_BROKER_CONFIG:message.max.bytes=1900000",
                 "DYNAMIC_DEFAULT_BROKER_CONFIG:message.max.bytes=2000000", "DEFAULT_CONFIG:message.max.bytes=1048588")
        tools("configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--delete-config", "message.max.bytes")
        tools("configs", "--alter", *default, "--delete-config", "message.max.bytes")
        out = tools("configs", "--describe", "--entity-type", "brokers", "--entity-name", "1")
        assert "message.max.bytes" not in out, out
    with ctx.check("kafka-configs refuses to change a read-only broker config"):
        contains(tools("configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config",
                       "node.id=7", expect="failure"), "node.id")


def log_dirs(ctx, tools):
    t = ctx.topic("log-dirs")
    tools("topics", "--create", "--topic", t, "--partitions", "2")
    tools("verifiable-producer", "--topic", t, "--max-messages", "100", "--throughput", "-1")
    with ctx.check("kafka-log-dirs --describe: the directory, its partitions and their sizes"):
        out = tools("log-dirs", "--describe", "--topic-list", t)
        found = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
        equal([b["broker"] for b in found["brokers"]], [1], "brokers")
        folder, = found["brokers"][0]["logDirs"]
        equal(folder["error"], None, "error")
        sizes = {p["partition"]: p["size"] for p in folder["partitions"]}
        equal(sorted(sizes), [f"{t}-0", f"{t}-1"], "partitions")
        assert sum(sizes.values()) > 800, sizes  # in one batch
        if ctx.broker.local:
            equal(folder["logDir"], str(ctx.broker.data), "directory")
            for name, size in sizes.items():
                log = ctx.broker.data / name / f"{0:020}.log"
                equal(log.stat().st_size if log.exists() else 0, size, f"size of {name}")


def producers(ctx, tools):
    count = 5_000 if ctx.quick else 100_000
    t = ctx.topic("perf")
    tools("topics", "--create", "--topic", t, "--partitions", "3")
    sent = 0
    plain = [(codec, "all", "true") for codec in CODECS]
    others = [("none", "1", "false"), ("none", "0", "false"), ("none", "all", "false")]
    for codec, acks, idempotent in plain + others:
        with ctx.check(f"kafka-producer-perf-test compression={codec} acks={acks} idempotence={idempotent}"):
            out = tools("producer-perf-test", "--topic", t, "--num-records", count, "--record-size", "200",
                        "--throughput", "-1", "--command-property", f"compression.type={codec}", f"acks={acks}",
                        f"enable.idempotence={idempotent}", timeout=300)
            sent += count
            contains(out, f"{count} records sent")
            assert "Exception" not in out, out[-2000:]
            equal(sum(tools.offsets(t).values()), sent, "records in the topic")
    with ctx.check("a topic with compression.type=zstd recompresses and with LogAppendTime stamps"):
        z = ctx.topic("recompressed")
        tools("topics", "--create", "--topic", z, "--partitions", "1", "--config", "compression.type=zstd",
              "--config", "message.timestamp.type=LogAppendTime")
        tools("verifiable-producer", "--topic", z, "--max-messages", "50", "--throughput", "-1", "--message-create-time", "1000")
        out = tools("console-consumer", "--topic", z, "--partition", "0", "--from-beginning", "--max-messages", "50",
                    "--timeout-ms", "30000", "--property", "print.timestamp=true")
        stamps = [int(n) for n in re.findall(r"LogAppendTime:(\d+)", out)]
        equal(len(stamps), 50, "stamped records")
        assert min(stamps) > (time.time() - 600) * 1000, stamps
