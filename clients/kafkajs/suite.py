"""KafkaJS: admin and producing (plain, gzip, idempotent); what it wrote is read back with confluent-kafka."""
import pathlib

from harness import install, proc
from harness.checks import equal
from harness.client import read_topic

NEEDS = ("kafkajs", "python")


def run(ctx):
    topic = ctx.topic("kafkajs")
    with ctx.check("KafkaJS creates a topic, produces plain, gzip and idempotent, and asks for offsets and configs"):
        smoke = pathlib.Path(__file__).with_name("smoke.js")
        proc.run(["node", smoke, ctx.broker.bootstrap, topic], env={"NODE_PATH": install.kafkajs() / "node_modules"})
    with ctx.check("all that KafkaJS wrote is there, in order"):
        for partition, records in read_topic(ctx.broker.bootstrap, topic).items():
            equal([(m.key(), m.value(), m.headers()) for m in records],
                  [(b"k%d" % i, b"v%d" % i, [("n", b"%d" % i)]) for i in range(partition, 300, 2)], f"partition {partition}")
