import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * MetricNames BOOTSTRAP TOPIC GROUP PROTOCOL: what metrics() of Java's producer and consumer have after some work, a
 * line for each name: client, group, name, keys of the tags, description, separated by tabs.
 */
public final class MetricNames {
    public static void main(String[] args) throws Exception {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", args[0]);
        config.put("client.id", "names");
        TreeSet<String> lines = new TreeSet<>();
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(args[1], new byte[100])).get();
            add(lines, "producer", producer.metrics());
        }
        config.put("group.id", args[2]);
        config.put("group.protocol", args[3]);
        config.put("auto.offset.reset", "earliest");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(args[1]));
            for (int read = 0; read < 10; ) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofSeconds(1));
                read += records.count();
            }
            consumer.commitSync();
            consumer.poll(Duration.ofMillis(100));
            add(lines, "consumer", consumer.metrics());
        }
        for (String line : lines) System.out.println(line);
    }

    private static void add(TreeSet<String> lines, String client, Map<MetricName, ? extends Metric> metrics) {
        for (MetricName name : metrics.keySet()) {
            List<String> tags = new ArrayList<>(new TreeSet<>(name.tags().keySet()));
            lines.add(String.join("\t", client, name.group(), name.name(), String.join(",", tags), name.description()));
        }
    }
}
