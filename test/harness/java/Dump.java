import com.fasterxml.jackson.databind.JsonNode;
import java.io.DataOutputStream;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Writes down which records of a chaos load (test/chaos/workers/record.mjs) a topic holds, for logs that
 * are too long for JSON. An entry has 24 bytes: 0 partition, 1 whether the checksum of the value is
 * right, 4-15 producer, partition and sequence as the value says, 16-23 offset.
 */
final class Dump {
    private static final int HEAD = 16;

    private Dump() {}

    /** {topic, file, timeoutMs}: the number of records. */
    static JsonNode run(JsonNode request) throws Exception {
        String topic = request.get("topic").asText();
        long deadline = System.nanoTime() + request.get("timeoutMs").asLong() * 1_000_000;
        long seen = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Witness.properties(request), new ByteArrayDeserializer(), new ByteArrayDeserializer());
            DataOutputStream out = new DataOutputStream(
                new BufferedOutputStream(new FileOutputStream(request.get("file").asText()), 1 << 20))) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
            if (partitions.isEmpty()) throw new IOException("there is no topic " + topic);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<Integer, Long> ends = new HashMap<>();
            consumer.endOffsets(partitions).forEach((tp, end) -> ends.put(tp.partition(), end));
            while (!reached(consumer, ends)) {
                if (System.nanoTime() > deadline) {
                    throw new IOException("only " + seen + " records of " + topic + " in time");
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    if (record.offset() >= ends.get(record.partition())) continue;
                    seen++;
                    write(out, record);
                }
            }
        }
        return Witness.json.getNodeFactory().numberNode(seen);
    }

    private static boolean reached(KafkaConsumer<byte[], byte[]> consumer, Map<Integer, Long> ends) {
        for (TopicPartition partition : consumer.assignment()) {
            if (consumer.position(partition) < ends.get(partition.partition())) return false;
        }
        return true;
    }

    private static void write(DataOutputStream out, ConsumerRecord<byte[], byte[]> record) throws IOException {
        byte[] value = record.value();
        boolean isIntact = value != null && value.length >= HEAD && ByteBuffer.wrap(value).getInt() == checksum(value);
        out.writeByte(record.partition());
        out.writeByte(isIntact ? 1 : 0);
        out.writeShort(0);
        if (isIntact) out.write(value, 4, 12);
        else out.write(new byte[12]);
        out.writeLong(record.offset());
    }

    /** Of all that follows it. */
    private static int checksum(byte[] value) {
        CRC32 crc = new CRC32();
        crc.update(value, 4, value.length - 4);
        return (int) crc.getValue();
    }
}
