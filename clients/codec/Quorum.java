import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.feature.SupportedVersionRange;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.raft.Endpoints;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.raft.RaftUtil;
import org.apache.kafka.raft.ReplicaKey;
import org.apache.kafka.server.common.OffsetAndEpoch;

/**
 * Prints the quorum's messages as Kafka's RaftUtil makes them, one a line: NAME VERSION HEX. The values are those of the
 * test in crates/broker/src/quorum/messages/tests.rs. A message that a version cannot carry is left out.
 *
 * java -cp "/opt/kafka/libs/*" Quorum.java
 */
public class Quorum {
    private static final TopicPartition METADATA = new TopicPartition("__cluster_metadata", 0);
    private static final ListenerName LISTENER = ListenerName.normalised("CONTROLLER");
    private static final String CLUSTER = "the-cluster";
    private static final ReplicaKey ONE = ReplicaKey.of(1, new Uuid(0, 11));
    private static final ReplicaKey TWO = ReplicaKey.of(2, new Uuid(0, 22));
    private static final Endpoints AT = Endpoints.fromInetSocketAddresses(
        Map.of(LISTENER, InetSocketAddress.createUnresolved("host-3", 9093)));

    public static void main(String[] args) {
        requests();
        responses();
        for (ApiKeys key : List.of(ApiKeys.VOTE, ApiKeys.BEGIN_QUORUM_EPOCH, ApiKeys.END_QUORUM_EPOCH, ApiKeys.FETCH, ApiKeys.FETCH_SNAPSHOT)) {
            print(key, key.name + "Refusal", version -> RaftUtil.errorResponse(key, Errors.INCONSISTENT_CLUSTER_ID));
        }
    }

    private static void requests() {
        print(ApiKeys.VOTE, "VoteRequest", version -> RaftUtil.singletonVoteRequest(METADATA, CLUSTER, 5, ONE, TWO, 4, 100, false));
        print(ApiKeys.VOTE, "PreVoteRequest", version -> RaftUtil.singletonVoteRequest(METADATA, CLUSTER, 5, ONE, TWO, 4, 100, true));
        print(ApiKeys.BEGIN_QUORUM_EPOCH, "BeginQuorumEpochRequest",
            version -> RaftUtil.singletonBeginQuorumEpochRequest(METADATA, CLUSTER, 5, 3, AT, TWO));
        print(ApiKeys.END_QUORUM_EPOCH, "EndQuorumEpochRequest",
            version -> RaftUtil.singletonEndQuorumEpochRequest(METADATA, CLUSTER, 5, 3, List.of(TWO, ONE)));
        print(ApiKeys.FETCH, "FetchRequest", Quorum::fetch);
        print(ApiKeys.FETCH_SNAPSHOT, "FetchSnapshotRequest", version ->
            RaftUtil.singletonFetchSnapshotRequest(CLUSTER, ONE, METADATA, 5, new OffsetAndEpoch(90, 4), 1000, 64));
        for (boolean committed : new boolean[] {true, false}) {
            print(ApiKeys.ADD_RAFT_VOTER, committed ? "AddRaftVoterRequest" : "AddRaftVoterUncommittedRequest",
                version -> RaftUtil.addVoterRequest(CLUSTER, 3000, ONE, AT, committed));
        }
        print(ApiKeys.REMOVE_RAFT_VOTER, "RemoveRaftVoterRequest", version -> RaftUtil.removeVoterRequest(CLUSTER, ONE));
        print(ApiKeys.UPDATE_RAFT_VOTER, "UpdateRaftVoterRequest", version ->
            RaftUtil.updateVoterRequest(CLUSTER, ONE, 5, new SupportedVersionRange((short) 0, (short) 1), AT));
    }

    /** As KafkaRaftClient.buildFetchRequest and FetchRequest.SimpleBuilder do it. */
    private static ApiMessage fetch(int version) {
        FetchRequestData request = RaftUtil.singletonFetchRequest(METADATA, Uuid.METADATA_TOPIC_ID, partition -> partition
            .setCurrentLeaderEpoch(5).setLastFetchedEpoch(4).setFetchOffset(100).setReplicaDirectoryId(new Uuid(0, 11)).setHighWatermark(95));
        request.setMaxBytes(1000).setMaxWaitMs(500).setClusterId(CLUSTER);
        return version < 15 ? request.setReplicaId(1) : request.setReplicaState(new FetchRequestData.ReplicaState().setReplicaId(1));
    }

    private static void responses() {
        print(ApiKeys.VOTE, "VoteResponse", version ->
            RaftUtil.singletonVoteResponse(LISTENER, (short) version, Errors.NONE, METADATA, Errors.NONE, 5, 3, true, AT));
        print(ApiKeys.BEGIN_QUORUM_EPOCH, "BeginQuorumEpochResponse", version -> RaftUtil.singletonBeginQuorumEpochResponse(
            LISTENER, (short) version, Errors.NONE, METADATA, Errors.FENCED_LEADER_EPOCH, 5, 3, AT));
        print(ApiKeys.END_QUORUM_EPOCH, "EndQuorumEpochResponse", version -> RaftUtil.singletonEndQuorumEpochResponse(
            LISTENER, (short) version, Errors.NONE, METADATA, Errors.FENCED_LEADER_EPOCH, 5, 3, AT));
        byte[] records = new byte[600];
        Arrays.fill(records, (byte) 7);
        print(ApiKeys.FETCH, "FetchResponse", version -> fetched(version, partition -> {
            partition.setRecords(MemoryRecords.readableRecords(ByteBuffer.wrap(records))).setLogStartOffset(10).setHighWatermark(95);
        }));
        print(ApiKeys.FETCH, "FetchDivergingResponse", version -> fetched(version, partition -> {
            partition.setRecords(MemoryRecords.EMPTY).setLogStartOffset(10).setHighWatermark(95);
            partition.divergingEpoch().setEpoch(4).setEndOffset(80);
        }));
        print(ApiKeys.FETCH, "FetchInSnapshotResponse", version -> fetched(version, partition -> {
            partition.setRecords(MemoryRecords.EMPTY).setLogStartOffset(10).setHighWatermark(95);
            partition.snapshotId().setEpoch(4).setEndOffset(90);
        }));
        print(ApiKeys.FETCH_SNAPSHOT, "FetchSnapshotResponse", version ->
            RaftUtil.singletonFetchSnapshotResponse(LISTENER, (short) version, METADATA, 3, AT, partition -> {
                partition.currentLeader().setLeaderEpoch(5).setLeaderId(3);
                partition.snapshotId().setEndOffset(90).setEpoch(4);
                return partition.setSize(1000).setPosition(64).setUnalignedRecords(MemoryRecords.readableRecords(ByteBuffer.wrap(records)));
            }));
        print(ApiKeys.ADD_RAFT_VOTER, "AddRaftVoterResponse", version -> RaftUtil.addVoterResponse(Errors.DUPLICATE_VOTER, "there"));
        print(ApiKeys.ADD_RAFT_VOTER, "AddRaftVoterDoneResponse", version -> RaftUtil.addVoterResponse(Errors.NONE, null));
        print(ApiKeys.REMOVE_RAFT_VOTER, "RemoveRaftVoterResponse", version -> RaftUtil.removeVoterResponse(Errors.VOTER_NOT_FOUND, "gone"));
        print(ApiKeys.UPDATE_RAFT_VOTER, "UpdateRaftVoterResponse", version ->
            RaftUtil.updateVoterResponse(Errors.NONE, LISTENER, new LeaderAndEpoch(java.util.OptionalInt.of(3), 5), AT));
    }

    private static ApiMessage fetched(int version, java.util.function.Consumer<org.apache.kafka.common.message.FetchResponseData.PartitionData> fill) {
        return RaftUtil.singletonFetchResponse(LISTENER, (short) version, METADATA, Uuid.METADATA_TOPIC_ID, Errors.NONE, 3, AT, partition -> {
            partition.setErrorCode(Errors.NONE.code());
            partition.currentLeader().setLeaderEpoch(5).setLeaderId(3);
            fill.accept(partition);
        });
    }

    private static void print(ApiKeys key, String name, IntFunction<ApiMessage> make) {
        int oldest = key == ApiKeys.FETCH ? 13 : key.oldestVersion();
        for (int version = oldest; version <= key.latestVersion(false); version++) {
            try {
                ApiMessage message = make.apply(version);
                ObjectSerializationCache cache = new ObjectSerializationCache();
                ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, (short) version));
                message.write(new ByteBufferAccessor(buffer), cache, (short) version);
                System.out.println(name + " " + version + " " + HexFormat.of().formatHex(buffer.array(), 0, buffer.position()));
            } catch (org.apache.kafka.common.errors.UnsupportedVersionException cannot) {
                System.err.println(name + " " + version + ": " + cannot.getMessage());
            }
        }
    }
}
