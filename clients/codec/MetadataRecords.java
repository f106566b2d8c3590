// Writes Kafka's metadata records as hex, by Kafka's own classes, for the golden tests of chronik-state.
//
//   java -cp "/opt/kafka/libs/*" MetadataRecords.java random SEED     random records of every kind and version
//   java -cp "/opt/kafka/libs/*" MetadataRecords.java log FILE.log    the records of a real __cluster_metadata-0 segment
//   java -cp "/opt/kafka/libs/*" MetadataRecords.java snapshot FILE.log   what Kafka's image of that log is written as
//
// Each line: kind, version, hex of the record's value.

import java.io.File;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.metadata.MetadataRecordType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.ImplicitLinkedHashMultiCollection;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.writer.ImageWriterOptions;
import org.apache.kafka.image.writer.RecordListWriter;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;

public class MetadataRecords {
    static final MetadataRecordSerde SERDE = new MetadataRecordSerde();
    static Random random;

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "random" -> random(Long.parseLong(args[1]));
            case "log" -> read(args[1]).forEach(MetadataRecords::print);
            case "snapshot" -> snapshot(args[1]);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    static void random(long seed) throws Exception {
        random = new Random(seed);
        for (MetadataRecordType type : MetadataRecordType.values()) {
            for (short version = type.lowestSupportedVersion(); version <= type.highestSupportedVersion(); version++) {
                print(new ApiMessageAndVersion(type.newMetadataRecord(), version));
                for (int i = 0; i < 5; i++) {
                    ApiMessage message = type.newMetadataRecord();
                    fill(message, message, version);
                    print(new ApiMessageAndVersion(message, version));
                }
            }
        }
    }

    /** Sets each field that `root` can be written with at this version; the others keep their defaults. */
    static void fill(Message message, Message root, short version) throws Exception {
        Method[] methods = message.getClass().getDeclaredMethods();
        Arrays.sort(methods, Comparator.comparing(Method::getName));
        for (Method setter : methods) {
            if (!setter.getName().startsWith("set") || setter.getParameterCount() != 1 || random.nextInt(8) == 0) continue;
            String field = Character.toLowerCase(setter.getName().charAt(3)) + setter.getName().substring(4);
            Object before;
            try {
                before = message.getClass().getDeclaredMethod(field).invoke(message);
            } catch (NoSuchMethodException e) {
                continue;
            }
            Object value = value(setter.getGenericParameterTypes()[0], version);
            if (field.equals("leaderRecoveryState")) value = (byte) random.nextInt(2);
            setter.invoke(message, value);
            try {
                ObjectSerializationCache cache = new ObjectSerializationCache();
                root.write(new ByteBufferAccessor(ByteBuffer.allocate(root.size(cache, version))), cache, version);
            } catch (UnsupportedVersionException e) {
                setter.invoke(message, before);
            }
        }
        if (random.nextInt(4) == 0) {
            message.unknownTaggedFields().add(new RawTaggedField(100 + random.nextInt(100_000), bytes()));
        }
    }

    static byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(20)];
        random.nextBytes(bytes);
        return bytes;
    }

    static Object value(Type type, short version) throws Exception {
        if (type == boolean.class) return random.nextBoolean();
        if (type == byte.class) return (byte) random.nextInt();
        if (type == short.class) return (short) random.nextInt();
        if (type == int.class) return random.nextInt(4) == 0 ? random.nextInt(65536) : random.nextInt(5);
        if (type == long.class) return random.nextLong();
        if (type == double.class) return random.nextGaussian();
        if (type == Uuid.class) return new Uuid(random.nextLong(), random.nextLong());
        if (type == byte[].class) return bytes();
        if (type == String.class) return "s\u00e9".repeat(random.nextInt(3)) + random.nextInt(1000);
        if (type == Integer.class) return random.nextInt(5);
        if (type instanceof ParameterizedType list) {
            List<Object> elements = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) elements.add(element(list.getActualTypeArguments()[0], version));
            return elements;
        }
        Class<?> collection = (Class<?>) type;
        if (ImplicitLinkedHashMultiCollection.class.isAssignableFrom(collection)) {
            @SuppressWarnings("unchecked")
            Collection<Object> elements = (Collection<Object>) collection.getDeclaredConstructor().newInstance();
            Class<?> of = Class.forName(collection.getName().replaceAll("Collection$", ""));
            for (int i = random.nextInt(4); i > 0; i--) elements.add(element(of, version));
            return elements;
        }
        throw new IllegalArgumentException(type.toString());
    }

    static Object element(Type type, short version) throws Exception {
        if (type instanceof Class<?> of && Message.class.isAssignableFrom(of)) {
            Message message = (Message) of.getDeclaredConstructor().newInstance();
            fill(message, message, version);
            return message;
        }
        return value(type, version);
    }

    static List<ApiMessageAndVersion> read(String file) throws Exception {
        List<ApiMessageAndVersion> messages = new ArrayList<>();
        try (FileRecords records = FileRecords.open(new File(file), false)) {
            for (RecordBatch batch : records.batches()) {
                if (batch.isControlBatch()) continue;
                for (Record record : batch) {
                    ByteBuffer value = record.value();
                    messages.add(SERDE.read(new ByteBufferAccessor(value), value.remaining()));
                }
            }
        }
        return messages;
    }

    static void snapshot(String file) throws Exception {
        MetadataImage image = MetadataImage.EMPTY;
        for (ApiMessageAndVersion message : read(file)) {
            // The log's transactions are complete, and their marks are not the image's business.
            if (message.message().getClass().getSimpleName().contains("Transaction")) continue;
            MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
            delta.replay(message.message());
            image = delta.apply(MetadataProvenance.EMPTY);
        }
        RecordListWriter writer = new RecordListWriter();
        image.write(writer, new ImageWriterOptions.Builder(image).build());
        writer.records().forEach(MetadataRecords::print);
    }

    static void print(ApiMessageAndVersion message) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(SERDE.recordSize(message, cache));
        SERDE.write(message, cache, new ByteBufferAccessor(buffer));
        String kind = MetadataRecordType.fromId(message.message().apiKey()).name();
        System.out.println(kind + " " + message.version() + " " + HexFormat.of().formatHex(buffer.array()));
    }
}
