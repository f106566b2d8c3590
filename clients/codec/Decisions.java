// Plays random requests to Kafka's own controller and writes what it decides, for the golden test of chronik-state's
// cluster machine. It stands in the controller's package to reach its parts:
//
//   javac -cp "/opt/kafka/libs/*" -d /tmp/decisions Decisions.java
//   java -cp "/tmp/decisions:/opt/kafka/libs/*" org.apache.kafka.controller.Decisions SEED RUNS STEPS
//
// Each line: the request, "|", the answer, "|", the hex of the records that come of it. "new" starts a new cluster.

package org.apache.kafka.controller;

import java.nio.ByteBuffer;
import java.util.*;
import java.util.stream.Collectors;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.metadata.*;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.controller.metrics.QuorumControllerMetrics;
import org.apache.kafka.metadata.*;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.timeline.SnapshotRegistry;

public class Decisions {
    static final int BROKERS = 4;
    static Random random;

    public static void main(String[] args) throws Exception {
        random = new Random(Long.parseLong(args[0]));
        for (int run = Integer.parseInt(args[1]); run > 0; run--) {
            Decisions decisions = new Decisions();
            try {
                for (int step = Integer.parseInt(args[2]); step > 0; step--) decisions.step();
            } catch (IllegalArgumentException e) {
                // Kafka stumbles over a last known leader that has no replica any more.
                if (!e.getMessage().contains("is not assigned to this partition")) throw e;
            }
        }
    }

    final SnapshotRegistry registry = new SnapshotRegistry(new LogContext());
    final FeatureControlManager features;
    final ConfigurationControlManager configs;
    final ClusterControlManager cluster;
    final ReplicationControlManager replication;
    final BrokerHeartbeatManager beats;
    final Map<Integer, Integer> incarnations = new HashMap<>();
    Uuid topic;
    long offset = 0;

    Decisions() throws Exception {
        features = new FeatureControlManager.Builder().setSnapshotRegistry(registry)
            .setQuorumFeatures(new QuorumFeatures(0, QuorumFeatures.defaultSupportedFeatureMap(true), List.of(0))).build();
        configs = new ConfigurationControlManager.Builder().setSnapshotRegistry(registry).setFeatureControl(features)
            .setKafkaConfigSchema(kafka.server.KafkaRaftServer.configSchema()).build();
        ReplicationControlManager[] later = new ReplicationControlManager[1];
        cluster = new ClusterControlManager.Builder().setSnapshotRegistry(registry).setFeatureControlManager(features)
            .setClusterId("the-cluster").setSessionTimeoutNs(3_600_000_000_000L)
            .setMetrics(new QuorumControllerMetrics(Optional.empty(), Time.SYSTEM, 1000))
            .setBrokerShutdownHandler((id, clean, records) -> later[0].handleBrokerShutdown(id, clean, records)).build();
        replication = later[0] = new ReplicationControlManager.Builder().setSnapshotRegistry(registry)
            .setFeatureControl(features).setConfigurationControl(configs).setClusterControl(cluster).build();
        cluster.activate();
        beats = cluster.heartbeatManager();
        boolean elr = random.nextInt(3) != 0;
        List<ApiMessageAndVersion> start = new ArrayList<>();
        start.add(message(new FeatureLevelRecord().setName("metadata.version").setFeatureLevel((short) 30), 0));
        if (elr) start.add(message(new FeatureLevelRecord().setName("eligible.leader.replicas.version").setFeatureLevel((short) 1), 0));
        commit("new", "", start);
        for (int id = 1; id <= BROKERS; id++) register(id, false);
        for (int id = 1; id <= BROKERS; id++) beat(id, false, false, true);
        createTopic();
    }

    static ApiMessageAndVersion message(ApiMessage message, int version) {
        return new ApiMessageAndVersion(message, (short) version);
    }

    static int pick(int bound) { return random.nextInt(bound); }

    int anyBroker() { return 1 + pick(BROKERS); }

    void step() throws Exception {
        int id = anyBroker();
        switch (pick(16)) {
            case 0 -> register(id, pick(2) == 0);
            case 1, 2, 3 -> beat(id, pick(6) == 0, pick(6) == 0, pick(8) != 0);
            case 4 -> fence(id);
            case 5 -> { if (pick(4) == 0) unregister(id); }
            case 6, 7, 8, 9 -> alterPartition();
            case 10 -> elect();
            case 11, 12 -> reassign();
            case 13 -> assign(id);
            case 14 -> periodic();
            default -> configure();
        }
    }

    // What becomes of brokers

    Uuid directory(int id, int which) { return new Uuid(5, 1000L * which + id); }

    void register(int id, boolean clean) {
        BrokerRegistration known = cluster.brokerRegistrations().get(id);
        boolean again = known != null && !known.inControlledShutdown() && pick(5) == 0;
        int incarnation = again ? incarnations.get(id) : (int) offset + 1;
        if (known != null && !again && pick(4) != 0) {
            // Its session ends.
            beats.tracker().updateContactTime(new BrokerIdAndEpoch(id, known.epoch()), System.nanoTime() - 7_200_000_000_000L);
        }
        long previous = known != null && clean ? known.epoch() : -1;
        boolean valid = known != null && beats.hasValidSession(id, known.epoch());
        List<Uuid> directories = pick(2) == 0 && !again ? List.of(directory(id, 1)) : List.of(directory(id, 1), directory(id, 2));
        BrokerRegistrationRequestData request = new BrokerRegistrationRequestData().setBrokerId(id)
            .setClusterId("the-cluster").setRack(null).setIncarnationId(new Uuid(1, incarnation)).setPreviousBrokerEpoch(previous)
            .setLogDirs(directories);
        request.features().add(new BrokerRegistrationRequestData.Feature().setName("metadata.version")
            .setMinSupportedVersion((short) 7).setMaxSupportedVersion((short) 30));
        request.features().add(new BrokerRegistrationRequestData.Feature().setName("eligible.leader.replicas.version")
            .setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 1));
        String line = words("register", id, incarnation, previous, valid, directories.size());
        run(line, () -> {
            FinalizedControllerFeatures finalized = features.finalizedFeatures(SnapshotRegistry.LATEST_EPOCH);
            ControllerResult<BrokerRegistrationReply> result = cluster.registerBroker(request, offset, finalized, true);
            incarnations.put(id, incarnation);
            return new Answer(Long.toString(result.response().epoch()), result.records());
        });
        BrokerRegistration now = cluster.brokerRegistrations().get(id);
        if (now != null) cluster.trackBrokerHeartbeat(id, now.epoch());
    }

    void beat(int id, boolean wantFence, boolean mayWantStop, boolean caughtUp) {
        BrokerRegistration known = cluster.brokerRegistrations().get(id);
        if (known == null) return;
        // Whoever wants to stop does so until it stops; Kafka forgets it when such a broker is fenced meanwhile.
        boolean wantStop = mayWantStop || known.inControlledShutdown();
        long at = caughtUp ? offset : known.epoch() - 1;
        List<Uuid> failed = pick(10) == 0 ? List.of(directory(id, 1 + pick(2))) : List.of();
        OptionalLong stopping = beats.controlledShutdownOffset(id);
        boolean heard = stopping.isPresent() && stopping.getAsLong() <= beats.lowestActiveOffset();
        BrokerHeartbeatRequestData request = new BrokerHeartbeatRequestData().setBrokerId(id).setBrokerEpoch(known.epoch())
            .setCurrentMetadataOffset(at).setWantFence(wantFence).setWantShutDown(wantStop).setOfflineLogDirs(failed);
        String line = words("heartbeat", id, known.epoch(), at, wantFence, wantStop, heard, failed.isEmpty() ? 0 : failed.get(0).getLeastSignificantBits());
        run(line, () -> {
            ControllerResult<BrokerHeartbeatReply> result = replication.processBrokerHeartbeat(request, known.epoch());
            BrokerHeartbeatReply reply = result.response();
            return new Answer(words(reply.isCaughtUp(), reply.isFenced(), reply.inControlledShutdown(), reply.shouldShutDown()),
                result.records());
        });
        BrokerRegistration now = cluster.brokerRegistrations().get(id);
        beats.touch(id, now.fenced(), at);
        if (!now.fenced() && now.inControlledShutdown()) beats.maybeUpdateControlledShutdownOffset(id, offset);
    }

    void fence(int id) {
        BrokerRegistration known = cluster.brokerRegistrations().get(id);
        if (known == null || known.fenced()) return;
        List<ApiMessageAndVersion> records = new ArrayList<>();
        replication.handleBrokerFenced(id, records);
        commit(words("fence", id, known.epoch()), "", records);
    }

    void unregister(int id) {
        run(words("unregister", id), () -> new Answer("", replication.unregisterBroker(id).records()));
    }

    // What becomes of partitions

    void createTopic() {
        CreateTopicsRequestData.CreatableTopic wanted = new CreateTopicsRequestData.CreatableTopic()
            .setName("t").setNumPartitions(-1).setReplicationFactor((short) -1);
        int factor = 1 + pick(3);
        for (int index = 0; index < 4; index++) {
            wanted.assignments().add(new CreateTopicsRequestData.CreatableReplicaAssignment()
                .setPartitionIndex(index).setBrokerIds(someBrokers(factor)));
        }
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        request.topics().add(wanted);
        ControllerResult<CreateTopicsResponseData> result = replication.createTopics(context(), request, Set.of("t"), true);
        commit("apply", "", result.records());
        topic = replication.getTopicId("t");
    }

    static List<Integer> someBrokers(int count) {
        List<Integer> all = new ArrayList<>();
        for (int id = 1; id <= BROKERS; id++) all.add(id);
        Collections.shuffle(all, random);
        return new ArrayList<>(all.subList(0, count));
    }

    ControllerRequestContext context() {
        return new ControllerRequestContext(new RequestHeaderData(), KafkaPrincipal.ANONYMOUS, OptionalLong.empty());
    }

    void alterPartition() {
        int index = pick(4);
        PartitionRegistration now = replication.getPartition(topic, index);
        if (now.leader < 0 || cluster.brokerRegistrations().get(now.leader) == null) return;
        int broker = pick(20) == 0 ? anyBroker() : now.leader;
        BrokerRegistration known = cluster.brokerRegistrations().get(broker);
        if (known == null) return;
        List<Integer> isr = new ArrayList<>();
        boolean grow = pick(2) == 0;
        for (int node : now.replicas) if (node == now.leader || grow && (cluster.isActive(node) || pick(8) == 0) || pick(3) == 0) isr.add(node);
        if (pick(30) == 0) isr.add(anyBroker());
        boolean recovering = now.leaderRecoveryState == LeaderRecoveryState.RECOVERING && pick(2) == 0;
        if (recovering) isr = List.of(now.leader);
        int leaderEpoch = now.leaderEpoch + (pick(20) == 0 ? pick(3) - 1 : 0);
        int partitionEpoch = now.partitionEpoch + (pick(20) == 0 ? pick(3) - 1 : 0);
        List<AlterPartitionRequestData.BrokerState> states = new ArrayList<>();
        List<String> shown = new ArrayList<>();
        for (int node : isr) {
            BrokerRegistration member = cluster.brokerRegistrations().get(node);
            long epoch = member == null || pick(4) == 0 ? -1 : member.epoch() - (pick(20) == 0 ? 1 : 0);
            states.add(new AlterPartitionRequestData.BrokerState().setBrokerId(node).setBrokerEpoch(epoch));
            shown.add(node + "@" + epoch);
        }
        AlterPartitionRequestData request = new AlterPartitionRequestData().setBrokerId(broker).setBrokerEpoch(known.epoch())
            .setTopics(List.of(new AlterPartitionRequestData.TopicData().setTopicId(topic).setPartitions(List.of(
                new AlterPartitionRequestData.PartitionData().setPartitionIndex(index).setLeaderEpoch(leaderEpoch)
                    .setPartitionEpoch(partitionEpoch).setNewIsrWithEpochs(states)
                    .setLeaderRecoveryState((byte) (recovering ? 1 : 0))))));
        RequestHeaderData header = new RequestHeaderData().setRequestApiVersion((short) 3);
        String line = words("alter", broker, known.epoch(), index, leaderEpoch, partitionEpoch, recovering, String.join(",", shown));
        run(line, () -> {
            ControllerResult<AlterPartitionResponseData> result = replication.alterPartition(
                new ControllerRequestContext(header, KafkaPrincipal.ANONYMOUS, OptionalLong.empty()), request);
            short code = result.response().topics().get(0).partitions().get(0).errorCode();
            return new Answer(Errors.forCode(code).name(), result.records());
        });
    }

    void elect() {
        int index = pick(5);
        boolean unclean = pick(3) == 0;
        ElectLeadersRequestData request = new ElectLeadersRequestData().setElectionType((byte) (unclean ? 1 : 0));
        ElectLeadersRequestData.TopicPartitionsCollection of = new ElectLeadersRequestData.TopicPartitionsCollection();
        of.add(new ElectLeadersRequestData.TopicPartitions().setTopic("t").setPartitions(List.of(index)));
        request.setTopicPartitions(of);
        run(words("elect", unclean, index), () -> {
            ControllerResult<ElectLeadersResponseData> result = replication.electLeaders(request);
            short code = result.response().replicaElectionResults().get(0).partitionResult().get(0).errorCode();
            return new Answer(Errors.forCode(code).name(), result.records());
        });
    }

    void reassign() {
        int index = pick(4);
        PartitionRegistration now = replication.getPartition(topic, index);
        boolean moving = now.addingReplicas.length > 0 || now.removingReplicas.length > 0;
        // What Kafka makes of a move that replaces another, or ends while nobody leads, is not what it should be.
        if (moving && now.leader < 0) return;
        List<Integer> wanted = moving || pick(10) == 0 ? null : someBrokers(1 + pick(3));
        boolean anyFactor = pick(3) != 0;
        AlterPartitionReassignmentsRequestData request = new AlterPartitionReassignmentsRequestData()
            .setAllowReplicationFactorChange(anyFactor).setTopics(List.of(
                new AlterPartitionReassignmentsRequestData.ReassignableTopic().setName("t").setPartitions(List.of(
                    new AlterPartitionReassignmentsRequestData.ReassignablePartition().setPartitionIndex(index).setReplicas(wanted)))));
        String shown = wanted == null ? "-" : wanted.stream().map(String::valueOf).collect(Collectors.joining(","));
        run(words("reassign", index, anyFactor, shown), () -> {
            ControllerResult<AlterPartitionReassignmentsResponseData> result = replication.alterPartitionReassignments(request);
            short code = result.response().responses().get(0).partitions().get(0).errorCode();
            return new Answer(Errors.forCode(code).name(), result.records());
        });
    }

    void assign(int id) {
        BrokerRegistration known = cluster.brokerRegistrations().get(id);
        if (known == null) return;
        int index = pick(5);
        Uuid dir = directory(id, 1 + pick(3));
        AssignReplicasToDirsRequestData request = new AssignReplicasToDirsRequestData().setBrokerId(id)
            .setBrokerEpoch(known.epoch()).setDirectories(List.of(
                new AssignReplicasToDirsRequestData.DirectoryData().setId(dir).setTopics(List.of(
                    new AssignReplicasToDirsRequestData.TopicData().setTopicId(topic).setPartitions(List.of(
                        new AssignReplicasToDirsRequestData.PartitionData().setPartitionIndex(index)))))));
        run(words("assign", id, known.epoch(), dir.getLeastSignificantBits(), index), () -> {
            ControllerResult<AssignReplicasToDirsResponseData> result = replication.handleAssignReplicasToDirs(request);
            short code = result.response().directories().get(0).topics().get(0).partitions().get(0).errorCode();
            return new Answer(Errors.forCode(code).name(), result.records());
        });
    }

    void periodic() {
        if (pick(2) == 0) run("balance", () -> new Answer("", replication.maybeBalancePartitionLeaders().records()));
        else run("unclean", () -> new Answer("", replication.maybeElectUncleanLeaders().records()));
    }

    void configure() {
        List<ApiMessageAndVersion> records = new ArrayList<>();
        boolean unclean = pick(2) == 0;
        String key = unclean ? "unclean.leader.election.enable" : "min.insync.replicas";
        String value = unclean ? Boolean.toString(pick(3) == 0) : Integer.toString(1 + pick(3));
        records.add(message(new ConfigRecord().setResourceType((byte) 2).setResourceName("t").setName(key).setValue(value), 0));
        // The CLEAR_ELR_RECORD that goes with it is left out: Kafka still takes those for eligible afterwards whom it cleared.
        commit("apply", "", records);
    }

    // How it is written

    record Answer(String text, List<ApiMessageAndVersion> records) { }

    interface Decision { Answer decide(); }

    void run(String line, Decision decision) {
        try {
            Answer answer = decision.decide();
            commit(line, answer.text, answer.records);
        } catch (ApiException e) {
            commit(line, Errors.forException(e).name(), List.of());
        }
    }

    void commit(String line, String answer, List<ApiMessageAndVersion> records) {
        // Kafka keeps those eligible whose replicas a move has taken away, and stumbles over them later; we don't.
        for (ApiMessageAndVersion message : records) {
            if (!(message.message() instanceof PartitionChangeRecord change)) continue;
            PartitionRegistration merged = replication.getPartition(topic, change.partitionId()).merge(change);
            for (int node : merged.elr) merged.directory(node);
            for (int node : merged.lastKnownElr) merged.directory(node);
        }
        System.out.println(line + "|" + answer + "|" + records.stream().map(Decisions::hex).collect(Collectors.joining(" ")));
        for (ApiMessageAndVersion message : records) replay(message.message());
    }

    void replay(ApiMessage message) {
        switch (MetadataRecordType.fromId(message.apiKey())) {
            case FEATURE_LEVEL_RECORD -> features.replay((FeatureLevelRecord) message);
            case CONFIG_RECORD -> configs.replay((ConfigRecord) message);
            case REGISTER_BROKER_RECORD -> cluster.replay((RegisterBrokerRecord) message, offset);
            case UNREGISTER_BROKER_RECORD -> cluster.replay((UnregisterBrokerRecord) message);
            case BROKER_REGISTRATION_CHANGE_RECORD -> cluster.replay((BrokerRegistrationChangeRecord) message);
            case TOPIC_RECORD -> replication.replay((TopicRecord) message);
            case PARTITION_RECORD -> replication.replay((PartitionRecord) message);
            case PARTITION_CHANGE_RECORD -> replication.replay((PartitionChangeRecord) message);
            default -> throw new IllegalStateException(message.toString());
        }
        offset++;
    }

    static String words(Object... words) {
        return Arrays.stream(words).map(String::valueOf).collect(Collectors.joining(" "));
    }

    static String hex(ApiMessageAndVersion message) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        MetadataRecordSerde serde = new MetadataRecordSerde();
        ByteBuffer buffer = ByteBuffer.allocate(serde.recordSize(message, cache));
        serde.write(message, cache, new ByteBufferAccessor(buffer));
        return HexFormat.of().formatHex(buffer.array());
    }
}
