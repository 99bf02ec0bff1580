import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A neutral witness: does with Kafka's own Java client what a test asks for, and tells what it saw.
 * One JVM serves all test files, since to start one costs more than most tests. It listens on a port
 * that it prints, and answers JSON lines: {"id", "op", "config", ...} with any number of {"id", "part"}
 * and then {"id", "result"} or {"id", "error"}. Bytes are base64, 64-bit numbers are strings.
 */
public final class Witness {
    static final ObjectMapper json = new ObjectMapper();
    private static final int RECORDS_PER_LINE = 500;

    public static void main(String[] args) throws IOException {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        System.out.println("port " + server.getLocalPort());
        while (true) {
            Socket socket = server.accept();
            new Thread(() -> serve(socket)).start();
        }
    }

    private static void serve(Socket socket) {
        ExecutorService threads = Executors.newCachedThreadPool();
        try (socket; Admins admins = new Admins()) {
            OutputStream out = socket.getOutputStream();
            BufferedReader lines =
                new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode request = json.readTree(line);
                threads.submit(() -> answer(request, admins, out));
            }
        } catch (IOException gone) {
            // The test file has ended.
        } finally {
            threads.shutdownNow();
        }
    }

    private static void answer(JsonNode request, Admins admins, OutputStream out) {
        ObjectNode answer = json.createObjectNode();
        answer.set("id", request.get("id"));
        try {
            JsonNode result;
            switch (request.get("op").asText()) {
                case "produce": result = produce(request); break;
                case "consume": result = consume(request, out); break;
                case "dump": result = Dump.run(request); break;
                case "runSteps": result = Transactions.run(request); break;
                default: result = AdminOps.run(admins.of(properties(request)), request);
            }
            answer.set("result", result);
        } catch (Throwable error) {
            Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
            answer.put("error", cause.toString());
        }
        try {
            write(out, answer);
        } catch (IOException gone) {
            // Nobody waits for it any more.
        }
    }

    private static void write(OutputStream out, JsonNode message) throws IOException {
        byte[] line = (json.writeValueAsString(message) + "\n").getBytes(StandardCharsets.UTF_8);
        synchronized (out) {
            out.write(line);
            out.flush();
        }
    }

    static Properties properties(JsonNode request) {
        Properties properties = new Properties();
        request.get("config").fieldNames().forEachRemaining(key ->
            properties.put(key, request.get("config").get(key).asText()));
        return properties;
    }

    /** {topic, records: [{partition, timestamp, key, value, headers: [[key, value]]}], end}: offsets in order. */
    private static JsonNode produce(JsonNode request) throws Exception {
        Properties properties = properties(request);
        String end = request.path("end").asText("none");
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            if (!end.equals("none")) {
                producer.initTransactions();
                producer.beginTransaction();
            }
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (JsonNode record : request.get("records")) {
                sent.add(producer.send(toProducerRecord(request.get("topic").asText(), record)));
            }
            producer.flush();
            ArrayNode result = json.createArrayNode();
            for (Future<RecordMetadata> future : sent) {
                RecordMetadata metadata = future.get();
                result.addObject()
                    .put("partition", metadata.partition())
                    .put("offset", Long.toString(metadata.offset()))
                    .put("timestamp", Long.toString(metadata.timestamp()));
            }
            if (end.equals("commit")) producer.commitTransaction();
            if (end.equals("abort")) producer.abortTransaction();
            // An ordinary close would abort it; this one leaves it to the transaction timeout.
            if (end.equals("open")) producer.close(Duration.ZERO);
            return result;
        }
    }

    static ProducerRecord<byte[], byte[]> toProducerRecord(String topic, JsonNode record) throws IOException {
        Integer partition = record.hasNonNull("partition") ? record.get("partition").asInt() : null;
        Long timestamp = record.hasNonNull("timestamp") ? record.get("timestamp").asLong() : null;
        ProducerRecord<byte[], byte[]> result =
            new ProducerRecord<>(topic, partition, timestamp, bytes(record.get("key")), bytes(record.get("value")));
        for (JsonNode header : record.path("headers")) {
            result.headers().add(header.get(0).asText(), bytes(header.get(1)));
        }
        return result;
    }

    /** {topic, count or null, timeoutMs}: all records up to the end as it is now, or `count` of them. */
    private static JsonNode consume(JsonNode request, OutputStream out) throws Exception {
        String topic = request.get("topic").asText();
        long wanted = request.hasNonNull("count") ? request.get("count").asLong() : Long.MAX_VALUE;
        long deadline = System.nanoTime() + request.get("timeoutMs").asLong() * 1_000_000;
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties(request), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
            if (partitions.isEmpty()) throw new IOException("there is no topic " + topic);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long seen = 0;
            while (wanted == Long.MAX_VALUE ? !reached(consumer, ends) : seen < wanted) {
                if (System.nanoTime() > deadline) {
                    throw new IOException("only " + seen + " records of " + topic + " in time");
                }
                ArrayNode part = json.createArrayNode();
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    if (seen == wanted) break;
                    long end = ends.get(new TopicPartition(topic, record.partition()));
                    if (wanted == Long.MAX_VALUE && record.offset() >= end) continue;
                    seen++;
                    part.add(toJson(record));
                    if (part.size() == RECORDS_PER_LINE) {
                        writePart(out, request, part);
                        part = json.createArrayNode();
                    }
                }
                writePart(out, request, part);
            }
            return json.getNodeFactory().numberNode(seen);
        }
    }

    private static void writePart(OutputStream out, JsonNode request, ArrayNode part) throws IOException {
        if (part.isEmpty()) return;
        ObjectNode message = json.createObjectNode();
        message.set("id", request.get("id"));
        message.set("part", part);
        write(out, message);
    }

    private static boolean reached(KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
        for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
            if (consumer.position(end.getKey()) < end.getValue()) return false;
        }
        return true;
    }

    private static ObjectNode toJson(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode result = json.createObjectNode()
            .put("partition", record.partition())
            .put("offset", Long.toString(record.offset()))
            .put("timestamp", Long.toString(record.timestamp()))
            .put("timestampType", record.timestampType().name)
            .put("leaderEpoch", record.leaderEpoch().orElse(-1))
            .put("key", record.key())
            .put("value", record.value());
        ArrayNode headers = result.putArray("headers");
        for (Header header : record.headers()) headers.addArray().add(header.key()).add(header.value());
        return result;
    }

    private static byte[] bytes(JsonNode node) throws IOException {
        return node == null || node.isNull() ? null : node.binaryValue();
    }
}
