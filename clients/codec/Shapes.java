import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.types.ArrayOf;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.CompactArrayOf;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * Prints the shapes of an API's messages, merged over its versions, as `crates/wire/src/schema` writes them.
 *
 * Kafka's schemas do not say which structures may be null: those are `Struct` here and must be made `Maybe` by hand
 * (the golden test fails otherwise).
 *
 * java -cp "/opt/kafka/libs/*" Shapes.java API...
 */
public class Shapes {
    private final short oldest;
    private final short newest;

    private Shapes(ApiKeys key) {
        oldest = key.oldestVersion();
        newest = key.latestVersion(false);
    }

    public static void main(String[] args) throws Exception {
        for (String api : args) {
            for (ApiKeys key : ApiKeys.values()) {
                if (!key.name.equals(api)) continue;
                for (String kind : new String[] {"Request", "Response"}) {
                    System.out.println("schema!(" + api + kind + ", " + new Shapes(key).message(api + kind, key) + ");\n");
                }
            }
        }
    }

    private String message(String name, ApiKeys key) throws Exception {
        Schema[] schemas = (Schema[]) Class.forName("org.apache.kafka.common.message." + name + "Data").getField("SCHEMAS").get(null);
        TreeMap<Short, Type> versions = new TreeMap<>();
        short flexible = oldest;
        for (short version = oldest; version <= newest; version++) {
            versions.put(version, schemas[version]);
            if (key.requestHeaderVersion(version) < 2) flexible = (short) (version + 1);
        }
        return "flexible(" + flexible + "), [" + fields(versions) + "]";
    }

    private static class Field {
        final String name;
        final TreeMap<Short, Type> types = new TreeMap<>();

        Field(String name) {
            this.name = name;
        }
    }

    private String fields(SortedMap<Short, Type> versions) {
        List<Field> order = new ArrayList<>();
        Map<String, Field> tagged = new LinkedHashMap<>();
        versions.forEach((version, schema) -> {
            int after = 0;
            for (BoundField bound : ((Schema) schema).fields()) {
                if (bound.def.type instanceof TaggedFields tags) {
                    tags.fields().forEach((tag, field) ->
                        tagged.computeIfAbsent(tag + ", %d, \"" + field.name, Field::new).types.put(version, field.type));
                    continue;
                }
                String name = bound.def.name;
                Field field = order.stream().filter(each -> each.name.equals(name)).findFirst().orElse(null);
                if (field == null) order.add(after, field = new Field(name));
                after = order.indexOf(field) + 1;
                field.types.put(version, bound.def.type);
            }
        });
        List<String> lines = new ArrayList<>();
        for (Field field : order) {
            int since = field.types.firstKey(), until = field.types.lastKey();
            String range = since > oldest && until < newest ? "within(" + since + ", " + until + ", "
                : since > oldest ? "since(" + since + ", " : until < newest ? "until(" + until + ", " : "all(";
            lines.add(range + '"' + field.name + "\", " + kind(field.types) + ")");
        }
        tagged.forEach((name, field) ->
            lines.add("tagged(" + name.formatted(field.types.firstKey()) + "\", " + kind(field.types) + ")"));
        return String.join(", ", lines);
    }

    private String kind(SortedMap<Short, Type> versions) {
        Type newestType = versions.get(versions.lastKey());
        if (newestType instanceof Schema) return "Struct(&[" + fields(versions) + "])";
        if (newestType instanceof ArrayOf || newestType instanceof CompactArrayOf) {
            TreeMap<Short, Type> elements = new TreeMap<>();
            versions.forEach((version, type) -> elements.put(version, type.arrayElementType().get()));
            return "Array(&" + kind(elements) + ")";
        }
        String name = newestType.toString();
        if (name.contains("STRING")) return "Text";
        if (name.contains("BYTES") || name.contains("RECORDS")) return "Blob";
        return name.equals("BOOLEAN") ? "BOOL" : name.replace("UINT", "I").replace("INT", "I").replace("FLOAT", "I");
    }
}
