import java.time.Duration;
import java.util.*;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member of a group on Kafka's own consumer. Arguments and lines: see `program.py`. */
public class Member {
    static boolean changed;
    static volatile boolean stopped;

    public static void main(String[] args) {
        Map<String, String> options = new HashMap<>();
        for (String argument : Arrays.asList(args).subList(3, args.length)) {
            String[] pair = argument.split("=", 2);
            options.put(pair[0], pair[1]);
        }
        var consumer = new KafkaConsumer<>(config(args, options), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopped = true;
            consumer.wakeup();
            try {
                main.join();
            } catch (InterruptedException e) { }
        }));
        subscribe(consumer, args[2], options);
        try {
            loop(consumer);
        } catch (WakeupException e) {
            if (!stopped) {
                throw e;
            }
        } finally {
            consumer.close();
        }
    }

    static Properties config(String[] args, Map<String, String> options) {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("group.id", args[1]);
        p.put("group.protocol", options.get("protocol"));
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        p.put("metadata.max.age.ms", "1000");
        if (options.get("protocol").equals("classic")) {
            p.put("session.timeout.ms", options.get("session"));
            p.put("heartbeat.interval.ms", "500");
            p.put("partition.assignment.strategy", options.containsKey("assignor")
                ? "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
                : "org.apache.kafka.clients.consumer.RangeAssignor");
        }
        if (options.containsKey("instance")) {
            p.put("group.instance.id", options.get("instance"));
        }
        return p;
    }

    static void subscribe(KafkaConsumer<?, ?> consumer, String topic, Map<String, String> options) {
        var listener = new ConsumerRebalanceListener() {
            @Override public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                changed = true;
            }

            @Override public void onPartitionsRevoked(Collection<TopicPartition> partitions) { }
        };
        if (!options.containsKey("pattern")) {
            consumer.subscribe(List.of(topic), listener);
        } else if (options.get("protocol").equals("consumer")) {
            consumer.subscribe(new SubscriptionPattern(topic + ".*"), listener);
        } else {
            consumer.subscribe(Pattern.compile(topic + ".*"), listener);
        }
    }

    static void loop(KafkaConsumer<byte[], byte[]> consumer) {
        Set<TopicPartition> known = Set.of();
        while (!stopped) {
            var records = consumer.poll(Duration.ofMillis(50));
            if (changed || !consumer.assignment().equals(known)) {
                changed = false;
                known = Set.copyOf(consumer.assignment());
                System.out.println("assigned " + known.stream().map(p -> p.topic() + ":" + p.partition()).sorted()
                    .collect(Collectors.joining(" ")));
            }
            for (var record : records) {
                System.out.println("read " + record.topic() + " " + record.partition() + " " + record.offset());
            }
            if (!records.isEmpty()) {
                try {
                    consumer.commitSync();
                    System.out.println("committed");
                } catch (CommitFailedException | RebalanceInProgressException e) {
                    // What was read is read again by its new owner.
                }
            }
        }
    }
}
