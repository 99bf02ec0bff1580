import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Several Java producers at once, transactional or not, whose steps come in the order that a test gives:
 * so transactions lie in the log as the test wants them to, one inside the other.
 */
final class Transactions {
    /**
     * {topic, producers: [config], steps: [{producer, act: "begin", "send", "offsets", "commit" or "abort",
     * records, groupId, offsets}]}: for each step the offsets of its records. A transaction that no step
     * ends is left to its timeout.
     */
    static JsonNode run(JsonNode request) throws Exception {
        String topic = request.get("topic").asText();
        List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
        try {
            for (JsonNode config : request.get("producers")) {
                Properties properties = Witness.properties(request);
                config.fieldNames().forEachRemaining(key -> properties.put(key, config.get(key).asText()));
                KafkaProducer<byte[], byte[]> producer =
                    new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
                producers.add(producer);
                if (properties.containsKey("transactional.id")) producer.initTransactions();
            }
            ArrayNode result = Witness.json.createArrayNode();
            for (JsonNode step : request.get("steps")) {
                step(producers.get(step.get("producer").asInt()), topic, step, result.addArray());
            }
            return result;
        } finally {
            // An ordinary close would abort what is open.
            for (KafkaProducer<byte[], byte[]> producer : producers) producer.close(Duration.ZERO);
        }
    }

    private static void step(KafkaProducer<byte[], byte[]> producer, String topic, JsonNode step, ArrayNode written)
            throws Exception {
        switch (step.get("act").asText()) {
            case "begin": producer.beginTransaction(); break;
            case "commit": producer.commitTransaction(); break;
            case "abort": producer.abortTransaction(); break;
            case "send": {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                for (JsonNode record : step.get("records")) {
                    sent.add(producer.send(Witness.toProducerRecord(topic, record)));
                }
                producer.flush();
                for (Future<RecordMetadata> future : sent) written.add(Long.toString(future.get().offset()));
                break;
            }
            case "offsets": {
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                step.get("offsets").fieldNames().forEachRemaining(partition -> offsets.put(
                    new TopicPartition(topic, Integer.parseInt(partition)),
                    new OffsetAndMetadata(step.get("offsets").get(partition).asLong())));
                producer.sendOffsetsToTransaction(offsets, new ConsumerGroupMetadata(step.get("groupId").asText()));
                break;
            }
            default: throw new IllegalArgumentException("no such act: " + step.get("act"));
        }
    }
}
