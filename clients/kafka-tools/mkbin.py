#!/usr/bin/env python3
"""Writes bin/*.sh into a KAFKA_HOME whose libs/ came from Maven: mkbin.py KAFKA_HOME

Maven Central has Kafka's jars but not its scripts. The main class of each tool is found by its simple
name in the jars, since classes moved between `kafka.tools` and `org.apache.kafka.tools` across 4.x.
"""
import os
import pathlib
import sys
import zipfile

TOOLS = {
    "kafka-server-start": "Kafka", "kafka-storage": "StorageTool", "kafka-topics": "TopicCommand",
    "kafka-configs": "ConfigCommand", "kafka-acls": "AclCommand", "kafka-console-producer": "ConsoleProducer",
    "kafka-console-consumer": "ConsoleConsumer", "kafka-console-share-consumer": "ConsoleShareConsumer",
    "kafka-consumer-groups": "ConsumerGroupCommand", "kafka-share-groups": "ShareGroupCommand",
    "kafka-streams-groups": "StreamsGroupCommand", "kafka-groups": "GroupsCommand",
    "kafka-producer-perf-test": "ProducerPerformance", "kafka-consumer-perf-test": "ConsumerPerformance",
    "kafka-share-consumer-perf-test": "ShareConsumerPerformance", "kafka-e2e-latency": "EndToEndLatency",
    "kafka-verifiable-producer": "VerifiableProducer", "kafka-verifiable-consumer": "VerifiableConsumer",
    "kafka-dump-log": "DumpLogSegments", "kafka-metadata-quorum": "MetadataQuorumCommand",
    "kafka-features": "FeatureCommand", "kafka-cluster": "ClusterTool", "kafka-log-dirs": "LogDirsCommand",
    "kafka-get-offsets": "GetOffsetShell", "kafka-delete-records": "DeleteRecordsCommand",
    "kafka-leader-election": "LeaderElectionCommand", "kafka-reassign-partitions": "ReassignPartitionsCommand",
    "kafka-transactions": "TransactionsCommand", "kafka-broker-api-versions": "BrokerApiVersionsCommand",
    "kafka-client-metrics": "ClientMetricsCommand", "kafka-delegation-tokens": "DelegationTokenCommand",
    "kafka-replica-verification": "ReplicaVerificationTool",
}
RUN_CLASS = """#!/bin/bash
# Started through kafka-run-class.sh, as Kafka's own scripts are: the same environment variables act.
H=$(cd "$(dirname "$0")/.." && pwd); J=${JAVA_HOME:+$JAVA_HOME/bin/}java
exec "$J" ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseG1GC -Djava.awt.headless=true} \\
  -Dlog4j2.configurationFile=${KAFKA_LOG4J2:-$H/config/log4j2.properties} $KAFKA_OPTS \\
  -cp "${CLASSPATH:+$CLASSPATH:}$H/libs/*" "$@"
"""
LOG4J = """status=error
appender.c.type=Console
appender.c.name=C
appender.c.target=SYSTEM_ERR
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.c.ref=C
"""


def main_classes(libs):
    """Simple class name -> full names, of the classes in Kafka's own packages."""
    wanted, found = set(TOOLS.values()), {}
    for jar in sorted(libs.glob("*.jar")):
        for entry in zipfile.ZipFile(jar).namelist():
            simple = entry.rsplit("/", 1)[-1].removesuffix(".class")
            ours = entry.startswith(("kafka/", "org/apache/kafka/")) and "/connect/" not in entry
            if entry.endswith(".class") and ours and simple in wanted:
                found.setdefault(simple, []).append(entry.removesuffix(".class").replace("/", "."))
    return found


def script(path, text):
    path.write_text(text)
    os.chmod(path, 0o755)


def main():
    home = pathlib.Path(sys.argv[1]).resolve()
    found = main_classes(home / "libs")
    for folder in ("bin", "config"):
        (home / folder).mkdir(exist_ok=True)
    script(home / "bin/kafka-run-class.sh", RUN_CLASS)
    (home / "config/log4j2.properties").write_text(LOG4J)
    missing = [tool for tool, simple in TOOLS.items() if simple not in found]
    for tool, simple in TOOLS.items():
        if simple in found:
            name = min(found[simple], key=lambda c: (not c.startswith("org.apache.kafka.tools"), c))
            script(home / f"bin/{tool}.sh", f'#!/bin/bash\nexec "$(dirname "$0")/kafka-run-class.sh" {name} "$@"\n')
    if missing:
        sys.exit(f"no class in {home}/libs for: {', '.join(missing)}")


if __name__ == "__main__":
    main()
