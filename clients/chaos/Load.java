import java.io.*;
import java.util.Properties;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * An idempotent producer at a fixed rate: Load BOOTSTRAP NUMBER TOPIC PARTITIONS RATE FILE.
 *
 * Writes (partition, sequence, offset or -1) to FILE for every acknowledgement, as it happens. Ends when its standard
 * input ends, after everything on its way is settled; exit code 1 if a record was refused.
 */
public class Load {
    public static void main(String[] args) throws Exception {
        int number = Integer.parseInt(args[1]), partitions = Integer.parseInt(args[3]), rate = Integer.parseInt(args[4]);
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("acks", "all");
        p.put("enable.idempotence", "true");
        p.put("linger.ms", "2");
        p.put("delivery.timeout.ms", "900000");
        p.put("request.timeout.ms", "8000");
        p.put("max.block.ms", "900000");
        p.put("reconnect.backoff.ms", "10");
        p.put("reconnect.backoff.max.ms", "200");
        p.put("retry.backoff.ms", "20");
        p.put("retry.backoff.max.ms", "200");
        p.put("metadata.recovery.strategy", "rebootstrap");
        var refused = new boolean[1];
        var input = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (IOException e) { }
        });
        input.start();
        try (var out = new DataOutputStream(new FileOutputStream(args[5], true));
             var producer = new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer())) {
            long due = System.nanoTime(), sent = 0;
            long[] next = new long[partitions];
            while (input.isAlive()) {
                Thread.sleep(5);
                due = Math.max(due, System.nanoTime() - 2_000_000_000L);
                for (long now = System.nanoTime(); due < now; due += 1_000_000_000L / rate, sent++) {
                    int to = (int) (sent % partitions);
                    long sequence = next[to]++;
                    byte[] value = String.format("%-100s", number + " " + to + " " + sequence + " ").getBytes();
                    producer.send(new ProducerRecord<>(args[2], to, null, value), (meta, error) -> {
                        if (error != null) {
                            refused[0] = true;
                            System.out.println("refused " + to + " " + sequence + ": " + error);
                            return;
                        }
                        try {
                            var entry = new ByteArrayOutputStream(20);
                            var line = new DataOutputStream(entry);
                            line.writeInt(to);
                            line.writeLong(sequence);
                            line.writeLong(meta.hasOffset() ? meta.offset() : -1);
                            out.write(entry.toByteArray());
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    });
                }
            }
            producer.flush();
            System.out.println("sent " + sent);
        }
        System.exit(refused[0] ? 1 : 0);
    }
}
