// Writes what Kafka's controller makes of random partitions, by Kafka's own class, for the golden test of
// chronik-state's decisions about leadership.
//
//   java -cp "/opt/kafka/libs/*" PartitionChanges.java SEED COUNT
//
// Each line: the partition, what is asked, the hex of the PartitionChangeRecord that comes of it, or "none", and that of the
// PartitionRecord that the partition is written as afterwards.

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.controller.PartitionChangeBuilder;
import org.apache.kafka.image.writer.ImageWriterOptions;
import org.apache.kafka.metadata.LeaderRecoveryState;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.metadata.Replicas;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;

public class PartitionChanges {
    static Random random;

    public static void main(String[] args) {
        random = new Random(Long.parseLong(args[0]));
        for (int left = Integer.parseInt(args[1]); left > 0; ) {
            String line = one();
            if (line == null) continue;
            System.out.println(line);
            left--;
        }
    }

    /** Some of these, in their order. */
    static List<Integer> some(List<Integer> of, int oneIn) {
        List<Integer> picked = new ArrayList<>();
        for (int node : of) if (random.nextInt(oneIn) == 0) picked.add(node);
        return picked;
    }

    static int[] array(List<Integer> nodes) {
        return nodes.stream().mapToInt(Integer::intValue).toArray();
    }

    static String text(List<Integer> nodes) {
        return nodes.toString().replace(" ", "");
    }

    static String one() {
        List<Integer> replicas = new ArrayList<>(List.of(1, 2, 3, 4, 5));
        Collections.shuffle(replicas, random);
        replicas = new ArrayList<>(replicas.subList(0, 1 + random.nextInt(5)));
        MetadataVersion version = MetadataVersion.fromFeatureLevel((short) (random.nextInt(4) == 0 ? 7 + random.nextInt(24) : 30));
        boolean elrOn = version.isElrSupported() && random.nextInt(4) != 0;
        List<Integer> isr = some(replicas, 2);
        if (isr.isEmpty() && !elrOn) isr.add(replicas.get(0));
        List<Integer> outOfSync = new ArrayList<>(replicas);
        outOfSync.removeAll(isr);
        List<Integer> elr = elrOn ? some(outOfSync, 3) : List.of();
        outOfSync.removeAll(elr);
        List<Integer> lastKnown = elrOn ? some(outOfSync, 3) : List.of();
        if (!lastKnown.isEmpty() && random.nextBoolean()) lastKnown = lastKnown.subList(0, 1);
        // A move that completes while nobody leads makes Kafka record "broker -1" as the last leader; we don't.
        boolean moving = !isr.isEmpty() && random.nextInt(4) == 0;
        List<Integer> adding = moving ? some(replicas, 3) : List.of();
        List<Integer> stay = new ArrayList<>(replicas);
        stay.removeAll(adding);
        List<Integer> removing = moving ? some(stay, 3) : List.of();
        int leader = isr.isEmpty() || !moving && random.nextInt(6) == 0 ? -1 : isr.get(random.nextInt(isr.size()));
        boolean recovering = random.nextInt(6) == 0;
        int minIsr = 1 + random.nextInt(3);
        List<Integer> acceptable = random.nextBoolean() ? some(replicas, 2) : new ArrayList<>(replicas);
        PartitionChangeBuilder.Election election = switch (random.nextInt(6)) {
            case 0 -> PartitionChangeBuilder.Election.UNCLEAN;
            case 1, 2 -> PartitionChangeBuilder.Election.PREFERRED;
            default -> PartitionChangeBuilder.Election.ONLINE;
        };
        Uuid[] directories = new Uuid[replicas.size()];
        for (int i = 0; i < directories.length; i++) directories[i] = new Uuid(7, 1000 + replicas.get(i));
        PartitionRegistration partition = new PartitionRegistration.Builder()
            .setReplicas(array(replicas)).setDirectories(directories).setIsr(array(isr)).setRemovingReplicas(array(removing))
            .setAddingReplicas(array(adding)).setElr(array(elr)).setLastKnownElr(array(lastKnown)).setLeader(leader)
            .setLeaderRecoveryState(recovering ? LeaderRecoveryState.RECOVERING : LeaderRecoveryState.RECOVERED)
            .setLeaderEpoch(3).setPartitionEpoch(4).build();
        PartitionChangeBuilder builder = new PartitionChangeBuilder(
            partition, new Uuid(1, 2), 0, acceptable::contains, version, minIsr, elrOn)
            .setElection(election)
            .setDefaultDirProvider(node -> new Uuid(8, node));
        List<Integer> targetIsr = isr;
        boolean targetRecovering = recovering;
        int crashed = -1;
        List<Integer> targetReplicas = replicas;
        List<Integer> targetAdding = adding;
        List<Integer> targetRemoving = removing;
        int moved = -1;
        switch (random.nextInt(7)) {
            case 0 -> { // a replica is gone
                int gone = replicas.get(random.nextInt(replicas.size()));
                acceptable.remove((Integer) gone);
                targetIsr = new ArrayList<>(isr);
                targetIsr.remove((Integer) gone);
            }
            case 1 -> { // a replica crashed
                int gone = replicas.get(random.nextInt(replicas.size()));
                crashed = gone;
                acceptable.remove((Integer) gone);
                targetIsr = new ArrayList<>(isr);
                targetIsr.remove((Integer) gone);
            }
            case 2 -> { // the leader proposes an ISR
                if (leader != -1) {
                    targetIsr = some(replicas, 2);
                    if (!targetIsr.contains(leader)) targetIsr.add(leader);
                    if (recovering && random.nextBoolean()) targetRecovering = false;
                    if (targetRecovering) targetIsr = List.of(leader);
                }
            }
            case 3 -> { // replicas are to move
                if (moving || leader == -1) break;
                List<Integer> wanted = new ArrayList<>(List.of(1, 2, 3, 4, 5, 6, 7));
                Collections.shuffle(wanted, random);
                wanted = wanted.subList(0, 1 + random.nextInt(5));
                targetRemoving = new ArrayList<>(new TreeSet<>(replicas));
                targetRemoving.removeAll(wanted);
                targetAdding = new ArrayList<>(new TreeSet<>(wanted));
                targetAdding.removeAll(replicas);
                targetReplicas = new ArrayList<>(wanted);
                targetReplicas.addAll(targetRemoving);
            }
            case 4 -> { // they are to stay
                if (adding.isEmpty() && removing.isEmpty() || adding.containsAll(isr)) break;
                targetIsr = new ArrayList<>(isr);
                targetIsr.removeAll(adding);
                targetReplicas = new ArrayList<>(replicas);
                targetReplicas.removeAll(adding);
                targetAdding = targetRemoving = List.of();
            }
            case 5 -> moved = replicas.get(random.nextInt(replicas.size())); // into another log directory
            default -> { } // a replica is back
        }
        builder.setTargetIsr(targetIsr);
        builder.setTargetReplicas(targetReplicas).setTargetAdding(targetAdding).setTargetRemoving(targetRemoving);
        if (moved != -1 && version.isDirectoryAssignmentSupported()) builder.setDirectory(moved, new Uuid(9, moved));
        builder.setTargetLeaderRecoveryState(targetRecovering ? LeaderRecoveryState.RECOVERING : LeaderRecoveryState.RECOVERED);
        if (crashed != -1) builder.setUncleanShutdownReplicas(List.of(crashed));
        Optional<ApiMessageAndVersion> change = builder.build();
        // Kafka keeps those eligible whose replicas a move has taken away; we don't.
        PartitionRegistration merged = partition;
        if (change.isPresent()) {
            PartitionChangeRecord record = (PartitionChangeRecord) change.get().message();
            // Before directories were recorded, Kafka's image cannot take replicas that this test has given directories.
            if (record.replicas() != null && record.directories() == null && record.replicas().size() != replicas.size()) return null;
            merged = partition.merge(record);
        }
        for (int[] eligible : new int[][] { merged.elr, merged.lastKnownElr }) {
            for (int node : eligible) if (!Replicas.contains(merged.replicas, node)) return null;
        }
        return String.join(" ", Short.toString(version.featureLevel()), Integer.toString(minIsr), Boolean.toString(elrOn),
            election.name(), text(replicas), text(isr), text(removing), text(adding), text(elr), text(lastKnown),
            Integer.toString(leader), Boolean.toString(recovering), text(targetIsr), Boolean.toString(targetRecovering),
            Integer.toString(crashed), text(acceptable),
            text(targetReplicas), text(targetAdding), text(targetRemoving), Integer.toString(moved), change.map(PartitionChanges::hex).orElse("none"),
            hex(merged.toRecord(new Uuid(1, 2), 0, new ImageWriterOptions.Builder(version).setEligibleLeaderReplicasEnabled(version.isElrSupported()).setLossHandler(loss -> { }).build())));
    }

    static String hex(ApiMessageAndVersion message) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        MetadataRecordSerde serde = new MetadataRecordSerde();
        ByteBuffer buffer = ByteBuffer.allocate(serde.recordSize(message, cache));
        serde.write(message, cache, new ByteBufferAccessor(buffer));
        return HexFormat.of().formatHex(buffer.array());
    }
}
