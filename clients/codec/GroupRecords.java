// Writes the group coordinator's records as hex, by Kafka's own classes, for the golden tests of chronik-state.
//
//   java -cp "/opt/kafka/libs/*" GroupRecords.java SEED     random records of every kind and version
//   java -cp "/opt/kafka/libs/*" GroupRecords.java hash     hashes of topics and groups (KIP-1101)
//
// Each line of records: kind, version of the value (-1: a tombstone), hex of the key, hex of the value, whether this is the
// version that Kafka writes.

import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.coordinator.group.generated.ConsumerGroupMemberMetadataValue;
import org.apache.kafka.coordinator.group.generated.CoordinatorRecordType;

public class GroupRecords {
    static final Set<Short> KINDS = Set.of((short) 1, (short) 2, (short) 3, (short) 4, (short) 5, (short) 6, (short) 7, (short) 8, (short) 16);
    static Random random;

    public static void main(String[] args) throws Exception {
        random = new Random(args[0].equals("hash") ? 0 : Long.parseLong(args[0]));
        if (args[0].equals("hash")) {
            hash();
            return;
        }
        for (CoordinatorRecordType type : CoordinatorRecordType.values()) {
            if (!KINDS.contains(type.id())) continue;
            ApiMessage value = type.newRecordValue();
            for (short version = value.lowestSupportedVersion(); version <= value.highestSupportedVersion(); version++) {
                for (int i = 0; i < 6; i++) {
                    ApiMessage key = type.newRecordKey();
                    fill(key, (short) 0);
                    ApiMessage filled = type.newRecordValue();
                    if (i > 0) fill(filled, version);
                    else if (filled instanceof ConsumerGroupMemberMetadataValue member) member.setClassicMemberMetadata(null);
                    print(type, key, version, hex(version, filled, version));
                }
            }
            ApiMessage key = type.newRecordKey();
            fill(key, (short) 0);
            print(type, key, (short) -1, "-");
        }
    }

    static void print(CoordinatorRecordType type, ApiMessage key, short version, String value) {
        System.out.println(type.id() + " " + version + " " + hex(type.id(), key, (short) 0) + " " + value);
    }

    static String hex(short first, Message message, short version) {
        ByteBuffer bytes = MessageUtil.toVersionPrefixedByteBuffer(version, message);
        bytes.putShort(0, first);
        byte[] out = new byte[bytes.remaining()];
        bytes.get(out);
        return HexFormat.of().formatHex(out);
    }

    // Sets every field to something random that the version can hold.
    static void fill(Object message, short version) throws Exception {
        for (Method method : message.getClass().getMethods()) {
            if (!method.getName().startsWith("set") || method.getParameterCount() != 1) continue;
            String field = method.getName().substring(3);
            if (field.equals("ExpireTimestamp") && version != 1) continue;
            if (field.equals("LeaderEpoch") && version < 3) continue;
            if (field.equals("TopicId") && version < 4 && message.getClass().getSimpleName().equals("OffsetCommitValue")) continue;
            if (field.equals("CurrentStateTimestamp") && version < 2) continue;
            if (field.equals("GroupInstanceId") && version < 3) continue;
            if (field.equals("RebalanceTimeout") && version < 1) continue;
            if (field.equals("ClassicMemberMetadata") && random.nextBoolean()) {
                // The coordinator always says it: what is not there is no null, but a member of the classic protocol.
                method.invoke(message, (Object) null);
                continue;
            }
            if (field.equals("AssignmentEpochs") && random.nextBoolean()) continue;
            method.invoke(message, value(method.getGenericParameterTypes()[0], version));
        }
    }

    static Object value(Type type, short version) throws Exception {
        if (type == int.class) return random.nextInt();
        if (type == long.class) return random.nextLong();
        if (type == byte.class) return (byte) random.nextInt(3);
        if (type == short.class) return (short) random.nextInt();
        if (type == Integer.class) return random.nextInt();
        if (type == String.class) return "text" + random.nextInt(1000) + (random.nextBoolean() ? "\u00e9" : "");
        if (type == Uuid.class) return new Uuid(random.nextLong(), random.nextLong());
        if (type == byte[].class) {
            byte[] bytes = new byte[random.nextInt(5)];
            random.nextBytes(bytes);
            return bytes;
        }
        if (type instanceof ParameterizedType list) {
            List<Object> elements = new ArrayList<>();
            int count = random.nextInt(3);
            for (int i = 0; i < count; i++) elements.add(value(list.getActualTypeArguments()[0], version));
            return elements;
        }
        Object struct = ((Class<?>) type).getDeclaredConstructor().newInstance();
        fill(struct, version);
        return struct;
    }

    // Hashes as Utils.computeTopicHash and computeGroupHash make them: first each topic's, then the group's.
    static void hash() throws Exception {
        var hasher = com.dynatrace.hash4j.hashing.Hashing.xxh3_64();
        var group = hasher.hashStream();
        for (int topic = 0; topic < 4; topic++) {
            var stream = hasher.hashStream();
            String name = "topic-" + "\u00e9".repeat(topic * 60);
            stream.putByte((byte) 0).putLong(7).putLong(1000 + topic).putString(name).putInt(topic);
            for (int partition = 0; partition < topic; partition++) {
                stream.putInt(partition);
                for (String rack : List.of("r1", "rack2")) stream.putInt(rack.length()).putString(rack);
            }
            System.out.println("topic " + topic + " " + stream.getAsLong());
            group.putLong(stream.getAsLong());
        }
        System.out.println("group " + group.getAsLong());
    }
}
