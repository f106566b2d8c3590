"""The same commands on the broker under test and on Apache Kafka: the answers must be the same text.

Ids, ports, folders, sizes and times are replaced by their names first. What Chronik does differently on
purpose is listed in `INTENDED`, with the reason.
"""
import difflib
import re

from harness.checks import Skip
from harness.tools import Tools

NEEDS = ("kafka",)

# Lines that may differ: Chronik's default flush.messages=1 makes acks=all durable; it has two keys of its own;
# it says how large the batch was that is too large, where Kafka sends no text; and it has a topic of its own.
INTENDED = re.compile(r"flush\.messages|log\.flush\.interval\.messages|log\.dirs?=|chronik\.http\.listener|cluster\.id=|"
                      r"RecordTooLargeException|\b__meta\b")

SCRIPT = [
    ("list, empty", "topics", "--list"),
    ("create", "topics", "--create", "--topic", "one", "--partitions", "3"),
    ("create with configs", "topics", "--create", "--topic", "two", "--partitions", "1", "--config", "compression.type=lz4",
     "--config", "retention.ms=1000000"),
    ("create what exists", "topics", "--create", "--topic", "one"),
    ("create with a colliding name", "topics", "--create", "--topic", "a.b"),
    ("create with a colliding name, second", "topics", "--create", "--topic", "a_b"),
    ("create with a bad name", "topics", "--create", "--topic", "bad*name"),
    ("create with a bad config value", "topics", "--create", "--topic", "x", "--config", "segment.bytes=1"),
    ("create with min.insync.replicas=0", "topics", "--create", "--topic", "x", "--config", "min.insync.replicas=0"),
    ("create with a bad policy", "topics", "--create", "--topic", "x", "--config", "cleanup.policy=burn"),
    ("create with replication 3", "topics", "--create", "--topic", "x", "--replication-factor", "3"),
    ("create on an unknown broker", "topics", "--create", "--topic", "x", "--replica-assignment", "9"),
    ("grow", "topics", "--alter", "--topic", "one", "--partitions", "4"),
    ("shrink", "topics", "--alter", "--topic", "one", "--partitions", "2"),
    ("describe all", "topics", "--describe"),
    ("describe one", "topics", "--describe", "--topic", "two"),
    ("describe what is not there", "topics", "--describe", "--topic", "zero"),
    ("at min ISR", "topics", "--describe", "--at-min-isr-partitions"),
    ("offsets", "get-offsets", "--topic", "one"),
    ("offsets of what is not there", "get-offsets", "--topic", "zero"),
    ("offsets, max timestamp", "get-offsets", "--topic", "one", "--time", "max-timestamp"),
    ("topic configs", "configs", "--describe", "--entity-type", "topics", "--entity-name", "two"),
    ("all topic configs", "configs", "--describe", "--all", "--entity-type", "topics", "--entity-name", "two"),
    ("alter a topic config", "configs", "--alter", "--entity-type", "topics", "--entity-name", "two", "--add-config",
     "retention.ms=5,max.message.bytes=777"),
    ("alter an unknown topic config", "configs", "--alter", "--entity-type", "topics", "--entity-name", "two", "--add-config", "no=1"),
    ("alter with a bad value", "configs", "--alter", "--entity-type", "topics", "--entity-name", "two", "--add-config", "retention.ms=x"),
    ("delete a topic config", "configs", "--alter", "--entity-type", "topics", "--entity-name", "two", "--delete-config", "retention.ms"),
    ("delete a config that is not set", "configs", "--alter", "--entity-type", "topics", "--entity-name", "two", "--delete-config",
     "segment.ms"),
    ("topic configs again", "configs", "--describe", "--entity-type", "topics", "--entity-name", "two"),
    ("cluster default", "configs", "--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "log.retention.ms=77777777"),
    ("broker value", "configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", "log.retention.ms=88888888"),
    ("a topic sees both", "configs", "--describe", "--all", "--entity-type", "topics", "--entity-name", "one"),
    ("read-only broker config", "configs", "--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", "node.id=3"),
    ("brokers' dynamic configs", "configs", "--describe", "--entity-type", "brokers", "--entity-name", "1"),
    ("cluster defaults", "configs", "--describe", "--entity-type", "brokers", "--entity-default"),
    ("all broker configs", "configs", "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1"),
    ("configs of an unknown broker", "configs", "--describe", "--entity-type", "brokers", "--entity-name", "5", "--all"),
    ("produce", "console-producer", "--topic", "one", "<", "a\nb\nc\n"),
    ("produce what is too large", "console-producer", "--topic", "two", "--property", "parse.key=true", "--property",
     "key.separator=:", "<", "k:" + "x" * 900 + "\n"),
    ("produce without a key", "console-producer", "--topic", "two", "<", "no key\n"),
    ("produce with a key", "console-producer", "--topic", "two", "--property", "parse.key=true",
     "--property", "key.separator=:", "<", "k:v\n"),
    ("consume", "console-consumer", "--topic", "two", "--partition", "0", "--from-beginning", "--max-messages", "2", "--timeout-ms",
     "20000", "--property", "print.key=true", "--property", "print.offset=true"),
    ("offsets after producing", "get-offsets", "--topic", "two"),
    ("log dirs", "log-dirs", "--describe", "--topic-list", "one,two"),
    ("delete", "topics", "--delete", "--topic", "one"),
    ("delete what is not there", "topics", "--delete", "--topic", "zero"),
    ("list", "topics", "--list"),
]


def run(ctx):
    if ctx.kind == "remote":
        raise Skip("this suite starts its own brokers")
    script = [step for step in SCRIPT if not ctx.quick or step[0] in QUICK]
    ours = answers(ctx.own_broker().start(), script)
    theirs = answers(ctx.broker_of("kafka").start(), script)
    for step, mine, wanted in zip(script, ours, theirs):
        with ctx.check(f"same answer: {step[0]}"):
            delta = [line for line in difflib.unified_diff(wanted, mine, "kafka", ctx.kind, n=0, lineterm="")
                     if not INTENDED.search(line)]
            changed = [line for line in delta if line[:1] in "+-" and line[:3] not in ("+++", "---")]
            assert not changed, "\n".join(delta[:60])


# One of each family, so that the quick form stays within two minutes.
QUICK = {"create", "create with configs", "create what exists", "create with a bad config value", "create with replication 3",
         "shrink", "describe all", "all topic configs", "alter with a bad value", "read-only broker config",
         "all broker configs", "produce", "log dirs", "delete what is not there"}


def answers(broker, script):
    """Each command's output, normalised, as a list of lines."""
    tools, found = Tools(broker.bootstrap), []
    for _, tool, *args in script:
        stdin = None
        if "<" in args:
            args, stdin = args[:args.index("<")], args[args.index("<") + 1]
        found.append(normalise(tools(tool, *args, stdin=stdin, expect=None), broker))
    broker.stop()
    return found


def normalise(text, broker):
    for folder in (str(broker.data), str(broker.directory)):
        text = text.replace(folder, "FOLDER")
    text = text.replace(str(broker.port), "PORT").replace(str(broker.controller_port), "CONTROLLER_PORT")
    text = re.sub(r"TopicId: [\w-]{22}", "TopicId: ID", text)
    text = re.sub(r"\[\d{4}-\d\d-\d\d [\d:,]+\] ", "", text)
    text = re.sub(r"^\s+at .*\n", "", text, flags=re.M)
    text = re.sub(r'"size":\d+', '"size":N', text)
    text = re.sub(r'"(totalBytes|usableBytes)":\d+', r'"\1":N', text)
    # The set of partitions in an answer has no order.
    text = re.sub(r'"partitions":\[(.*?)\]', lambda m: '"partitions":[' + ",".join(sorted(m[1].split("},{"))) + "]", text)
    # The order of a topic's configurations is that of a hash map.
    text = re.sub(r"(?<=Configs: )\S+", lambda m: ",".join(sorted(re.split(r",(?=[a-z.]+=)", m[0]))), text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]
