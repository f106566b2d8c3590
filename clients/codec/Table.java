import java.util.stream.Collectors;

import org.apache.kafka.common.message.ApiMessageType.ListenerType;
import org.apache.kafka.common.protocol.ApiKeys;

/**
 * Prints Kafka's table of APIs, one a line: KEY NAME OLDEST NEWEST LISTENERS. Newest is the newest stable version.
 *
 * java -cp "/opt/kafka/libs/*" Table.java
 */
public class Table {
    public static void main(String[] args) {
        for (ApiKeys key : ApiKeys.values()) {
            String listeners = key.messageType.listeners().stream().sorted()
                .map(ListenerType::toString).map(String::toLowerCase).collect(Collectors.joining(" "));
            if (!listeners.isEmpty()) {
                System.out.println(key.id + " " + key.name + " " + key.oldestVersion() + " " + key.latestVersion(false)
                    + " " + listeners);
            }
        }
    }
}
