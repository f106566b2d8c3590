import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Prints messages as Kafka's own generated classes write them, one a line: NAME VERSION HEX.
 *
 * The values are random (from a seed), the versions are every stable one of 4.3.1. A field is filled only where
 * the class's schema has it at that version; the rest keep their defaults.
 *
 * java -cp "/opt/kafka/libs/*" Codec.java SEED COUNT API...
 */
public class Codec {
    private final Random random;
    /** How much the messages hold: 0 defaults with empty lists, 1 one of everything, 2 anything. */
    private int fill;

    Codec(long seed) {
        random = new Random(seed);
    }

    public static void main(String[] args) throws Exception {
        Codec codec = new Codec(Long.parseLong(args[0]));
        int count = Integer.parseInt(args[1]);
        for (int i = 2; i < args.length; i++) {
            for (String kind : new String[] {"Request", "Response"}) {
                codec.print(args[i], kind, count);
            }
        }
    }

    private void print(String api, String kind, int count) throws Exception {
        ApiKeys key = null;
        for (ApiKeys each : ApiKeys.values()) {
            if (each.name.equals(api)) key = each;
        }
        if (key == null) throw new IllegalArgumentException("no API " + api);
        Class<?> type = Class.forName("org.apache.kafka.common.message." + api + kind + "Data");
        Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
        for (short version = key.oldestVersion(); version <= key.latestVersion(false); version++) {
            for (int i = 0; i < count; i++) {
                fill = Math.min(i, 2);
                Message message = (Message) fill(type, schemas[version]);
                ObjectSerializationCache cache = new ObjectSerializationCache();
                ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
                message.write(new ByteBufferAccessor(buffer), cache, version);
                String hex = HexFormat.of().formatHex(buffer.array(), 0, buffer.position());
                System.out.println(api + kind + " " + version + " " + (hex.isEmpty() ? "-" : hex));
            }
        }
    }

    /** A message of the class with every field of the schema set. */
    private Object fill(Class<?> type, Schema schema) throws Exception {
        var constructor = type.getDeclaredConstructor();
        constructor.setAccessible(true);
        Object message = constructor.newInstance();
        Map<String, Type> wanted = new HashMap<>();
        boolean flexible = false;
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields tagged) {
                flexible = true;
                tagged.fields().forEach((tag, tagField) -> {
                    if (fill == 1 || fill == 2 && random.nextBoolean()) wanted.put(plain(tagField.name), tagField.type);
                });
            } else {
                wanted.put(plain(field.def.name), field.def.type);
            }
        }
        for (Field field : type.getDeclaredFields()) {
            Type wire = wanted.remove(plain(field.getName()));
            if (wire == null || Modifier.isStatic(field.getModifiers())) continue;
            field.setAccessible(true);
            boolean nullByDefault = field.get(message) == null;
            Object value = field.getName().equals("errorCode")
                ? (short) random.nextInt(134) : value(field.getType(), elementType(field), wire, nullByDefault);
            field.set(message, value);
        }
        if (!wanted.isEmpty()) throw new IllegalStateException(type + " lacks " + wanted.keySet());
        if (flexible && fill == 2 && random.nextInt(4) == 0) {
            byte[] data = new byte[random.nextInt(5)];
            random.nextBytes(data);
            ((Message) message).unknownTaggedFields().add(new RawTaggedField(1000 + random.nextInt(100), data));
        }
        return message;
    }

    private static String plain(String name) {
        return name.replace("_", "").toLowerCase();
    }

    private static Class<?> elementType(Field field) throws Exception {
        if (field.getGenericType() instanceof ParameterizedType list
                && list.getActualTypeArguments()[0] instanceof Class<?> element) return element;
        java.lang.reflect.Type parent = field.getType().getGenericSuperclass();
        if (parent instanceof ParameterizedType list && list.getActualTypeArguments()[0] instanceof Class<?> element) return element;
        return null;
    }

    @SuppressWarnings("unchecked")
    private Object value(Class<?> type, Class<?> element, Type wire, boolean nullByDefault) throws Exception {
        boolean maybeNull = fill == 0 || fill == 2 && random.nextInt(4) == 0;
        if (type == boolean.class) return random.nextBoolean();
        if (type == byte.class || type == Byte.class) return (byte) random.nextInt(2);
        if (type == short.class || type == Short.class) return (short) random.nextInt();
        if (type == int.class || type == Integer.class) return random.nextInt();
        if (type == long.class || type == Long.class) return random.nextLong();
        if (type == Uuid.class) return new Uuid(random.nextLong(), random.nextLong());
        if (type == String.class) return wire.isNullable() && maybeNull ? null : text();
        if (BaseRecords.class.isAssignableFrom(type)) {
            if (wire.isNullable() && maybeNull) return null;
            byte[] data = new byte[random.nextInt(40)];
            random.nextBytes(data);
            return MemoryRecords.readableRecords(ByteBuffer.wrap(data));
        }
        if (type == byte[].class || type == ByteBuffer.class) {
            if (wire.isNullable() && maybeNull) return null;
            byte[] data = new byte[random.nextInt(40)];
            random.nextBytes(data);
            return type == byte[].class ? data : ByteBuffer.wrap(data);
        }
        if (Collection.class.isAssignableFrom(type)) {
            if (wire.isNullable() && maybeNull) return null;
            Type elementWire = wire.arrayElementType().get();
            Collection<Object> list = type == List.class
                ? new ArrayList<>() : (Collection<Object>) type.getDeclaredConstructor().newInstance();
            int count = fill == 0 ? 0 : fill == 1 ? 1 : random.nextInt(4);
            for (int i = 0; i < count; i++) list.add(value(element, null, elementWire, false));
            return list;
        }
        if (Message.class.isAssignableFrom(type)) {
            return nullByDefault && maybeNull ? null : fill(type, (Schema) wire);
        }
        throw new IllegalStateException("no random value for " + type);
    }

    private String text() {
        String letters = "abcxyz-_.0189 äß漢🦀";
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(9); i > 0; i--) text.appendCodePoint(letters.codePointAt(random.nextInt(15)));
        return text.toString();
    }
}
