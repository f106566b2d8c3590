"""franz-go's own tests against the broker: groups in both protocols, and what else of its tests asks a broker.

`TestGroupETL` is the heart: chains of consumers in every kind of group that join, leave and fail in the middle of
their work, while nothing may be read twice, out of order or not at all. What asks for transactions, share groups or
SCRAM is left out. A test that the client skips for an API that it misses counts as a failure.
"""
import re

from harness import install, proc
from harness.checks import Skip

# They are built when they are run: the quick run does not.
NEEDS = ()
SECONDS_MAX = 900
GROUPS = ("TestGroupETL", "TestGroupSimple", "TestConsumeRegex", "Test848RegexBrokerResolves", "TestUnknownGroupOffsetFetchPinned",
          "TestIssue523", "TestIssue648", "TestIssue810", "TestIssue865", "TestHookPollStart", "TestPooling")
OTHERS = ("TestPing", "TestIssue1034", "TestIssue325", "TestIssue337", "TestDirectPartitionPurge", "TestIssue434",
          "TestConsumeTopicRetrieval", "TestConsumeTopicRetrieval_Many", "TestAddRemovePartitions", "TestPauseIssue489",
          "TestPauseIssueOct2023", "TestLookbackMilli", "TestIssue769", "TestClient_Produce", "TestClient_ProduceLargeMessages",
          "TestPollWaitStateNoUnderflow", "TestConsumeMaxDecompressBatchBytes")
PROPERTIES = {"group.min.session.timeout.ms": "6000", "group.consumer.heartbeat.interval.ms": "1000",
              "group.consumer.min.heartbeat.interval.ms": "1000"}


def run(ctx):
    if ctx.quick:
        raise Skip("minutes of tests: in full only")
    broker = ctx.broker if ctx.kind == "remote" else ctx.own_broker(properties=PROPERTIES).start()
    env = {"KGO_SEEDS": broker.bootstrap, "KGO_TEST_RF": "1", "KGO_TEST_RECORDS": "50000", "KGO_LOG_LEVEL": "none"}
    for names in (GROUPS, OTHERS):
        pattern = "^(" + "|".join(names) + ")$"
        with ctx.check(f"franz-go's own {len(names)} tests pass: {', '.join(names)}"):
            out = proc.run([install.franz_go_tests(), "-test.v", "-test.timeout", f"{SECONDS_MAX}s", "-test.run", pattern],
                           timeout=SECONDS_MAX + 30, env=env, expect=None)
            verdicts = dict((name, verdict) for verdict, name in re.findall(r"^\s*--- (\w+): (\S+)", out, re.M))
            bad = {name: verdict for name, verdict in verdicts.items() if verdict != "PASS"}
            missing = [name for name in names if name not in verdicts]
            assert not bad and not missing and out.rstrip().endswith("PASS"), f"{bad} {missing}\n{shown(out)}"


def shown(out):
    """The lines that tell what went wrong."""
    told = [line for line in out.splitlines() if re.search(r"_test\.go:|sendErr|panic|SKIP|FAIL", line)]
    return "\n".join(told[-40:]) or out[-2000:]
