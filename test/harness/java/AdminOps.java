import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;

/** What the witness does through Kafka's Admin client. */
final class AdminOps {
    static JsonNode run(Admin admin, JsonNode request) throws Exception {
        String topic = request.path("topic").asText();
        switch (request.get("op").asText()) {
            case "createTopic": return createTopic(admin, request, topic);
            case "deleteTopic": return done(admin.deleteTopics(List.of(topic)).all().get());
            case "describeTopic": return describeTopic(admin, topic);
            case "createPartitions":
                return done(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(request.get("count").asInt())))
                    .all().get());
            case "offsets": return offsets(admin, request, topic);
            case "deleteRecords": {
                RecordsToDelete before = RecordsToDelete.beforeOffset(request.get("beforeOffset").asLong());
                return done(admin.deleteRecords(Map.of(partition(request), before)).all().get());
            }
            case "electLeader": return electLeader(admin, request);
            case "reassign": {
                List<Integer> replicas = ints(request.get("replicas"));
                return done(admin.alterPartitionReassignments(
                    Map.of(partition(request), Optional.of(new NewPartitionReassignment(replicas)))).all().get());
            }
            case "alterConfigs": return alterConfigs(admin, request);
            case "alterQuota": return alterQuota(admin, request);
            case "describeGroup": return describeGroup(admin, request.get("groupId").asText());
            case "groupOffsets": return groupOffsets(admin, request.get("groupId").asText());
            case "quorumLeader":
                return Witness.json.getNodeFactory().numberNode(
                    admin.describeMetadataQuorum().quorumInfo().get().leaderId());
            case "transactions": return transactions(admin);
            default: throw new IllegalArgumentException("no such op: " + request.get("op"));
        }
    }

    private static JsonNode createTopic(Admin admin, JsonNode request, String topic) throws Exception {
        NewTopic wanted;
        if (request.hasNonNull("assignments")) {
            Map<Integer, List<Integer>> assignments = new HashMap<>();
            for (JsonNode replicas : request.get("assignments")) assignments.put(assignments.size(), ints(replicas));
            wanted = new NewTopic(topic, assignments);
        } else {
            wanted = new NewTopic(topic, request.get("partitions").asInt(), (short) request.get("replicationFactor").asInt());
        }
        Map<String, String> configs = new HashMap<>();
        JsonNode given = request.path("configs");
        given.fieldNames().forEachRemaining(key -> configs.put(key, given.get(key).asText()));
        return done(admin.createTopics(List.of(wanted.configs(configs))).all().get());
    }

    private static TopicDescription topicDescription(Admin admin, String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    private static JsonNode describeTopic(Admin admin, String topic) throws Exception {
        TopicDescription description = topicDescription(admin, topic);
        ObjectNode result = Witness.json.createObjectNode().put("topicId", description.topicId().toString());
        ArrayNode partitions = result.putArray("partitions");
        for (TopicPartitionInfo info : description.partitions()) {
            ObjectNode partition = partitions.addObject()
                .put("partition", info.partition())
                .put("leader", info.leader() == null ? -1 : info.leader().id());
            ids(partition.putArray("replicas"), info.replicas());
            ids(partition.putArray("isr"), info.isr());
        }
        ObjectNode configs = result.putObject("configs");
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        for (ConfigEntry entry : admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()) {
            configs.put(entry.name(), entry.value());
        }
        return result;
    }

    /** {topic, at: "earliest", "latest" or a timestamp, isolation}. */
    private static JsonNode offsets(Admin admin, JsonNode request, String topic) throws Exception {
        String at = request.get("at").asText();
        OffsetSpec spec = at.equals("earliest") ? OffsetSpec.earliest()
            : at.equals("latest") ? OffsetSpec.latest()
            : OffsetSpec.forTimestamp(Long.parseLong(at));
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        for (TopicPartitionInfo info : topicDescription(admin, topic).partitions()) {
            asked.put(new TopicPartition(topic, info.partition()), spec);
        }
        IsolationLevel isolation = IsolationLevel.valueOf(request.get("isolation").asText().toUpperCase());
        Map<TopicPartition, ListOffsetsResultInfo> found =
            admin.listOffsets(asked, new ListOffsetsOptions(isolation)).all().get();
        ObjectNode result = Witness.json.createObjectNode();
        found.forEach((tp, info) -> result.put(Integer.toString(tp.partition()), Long.toString(info.offset())));
        return result;
    }

    /** {topic, partition, type: "preferred" or "unclean"}; one that leads already is well. */
    private static JsonNode electLeader(Admin admin, JsonNode request) throws Exception {
        ElectionType type = ElectionType.valueOf(request.get("type").asText().toUpperCase());
        for (Optional<Throwable> error : admin.electLeaders(type, Set.of(partition(request))).partitions().get().values()) {
            if (error.isPresent() && !(error.get() instanceof ElectionNotNeededException)) {
                throw new IllegalStateException(error.get());
            }
        }
        return done(null);
    }

    /** {type: "topic", "broker" or "group", name, configs}; a config that is null falls back to its default. */
    private static JsonNode alterConfigs(Admin admin, JsonNode request) throws Exception {
        ConfigResource resource = new ConfigResource(
            ConfigResource.Type.valueOf(request.get("type").asText().toUpperCase()), request.get("name").asText());
        Collection<AlterConfigOp> ops = new ArrayList<>();
        JsonNode given = request.get("configs");
        given.fieldNames().forEachRemaining(key -> ops.add(given.get(key).isNull()
            ? new AlterConfigOp(new ConfigEntry(key, null), AlterConfigOp.OpType.DELETE)
            : new AlterConfigOp(new ConfigEntry(key, given.get(key).asText()), AlterConfigOp.OpType.SET)));
        return done(admin.incrementalAlterConfigs(Map.of(resource, ops)).all().get());
    }

    /** {clientId, quotas: {"producer_byte_rate": 1000}}; null removes one. */
    private static JsonNode alterQuota(Admin admin, JsonNode request) throws Exception {
        ClientQuotaEntity entity =
            new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, request.get("clientId").asText()));
        List<ClientQuotaAlteration.Op> ops = new ArrayList<>();
        JsonNode given = request.get("quotas");
        given.fieldNames().forEachRemaining(key -> ops.add(
            new ClientQuotaAlteration.Op(key, given.get(key).isNull() ? null : given.get(key).asDouble())));
        return done(admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, ops))).all().get());
    }

    private static JsonNode describeGroup(Admin admin, String groupId) throws Exception {
        ConsumerGroupDescription group = admin.describeConsumerGroups(List.of(groupId)).all().get().get(groupId);
        ObjectNode result = Witness.json.createObjectNode()
            .put("state", group.state().toString())
            .put("assignor", group.partitionAssignor());
        ArrayNode members = result.putArray("members");
        for (MemberDescription member : group.members()) {
            ObjectNode described = members.addObject()
                .put("memberId", member.consumerId())
                .put("clientId", member.clientId())
                .put("groupInstanceId", member.groupInstanceId().orElse(null));
            ArrayNode assignment = described.putArray("assignment");
            for (TopicPartition tp : member.assignment().topicPartitions()) {
                assignment.addObject().put("topic", tp.topic()).put("partition", tp.partition());
            }
        }
        return result;
    }

    private static JsonNode groupOffsets(Admin admin, String groupId) throws Exception {
        ArrayNode result = Witness.json.createArrayNode();
        Map<TopicPartition, OffsetAndMetadata> offsets =
            admin.listConsumerGroupOffsets(groupId).partitionsToOffsetAndMetadata().get();
        offsets.forEach((tp, committed) -> {
            if (committed == null) return;
            result.addObject()
                .put("topic", tp.topic())
                .put("partition", tp.partition())
                .put("offset", Long.toString(committed.offset()))
                .put("leaderEpoch", committed.leaderEpoch().orElse(-1))
                .put("metadata", committed.metadata());
        });
        return result;
    }

    private static JsonNode transactions(Admin admin) throws Exception {
        ArrayNode result = Witness.json.createArrayNode();
        admin.listTransactions().all().get().forEach(listing -> result.addObject()
            .put("transactionalId", listing.transactionalId())
            .put("producerId", Long.toString(listing.producerId()))
            .put("state", listing.state().toString()));
        return result;
    }

    private static TopicPartition partition(JsonNode request) {
        return new TopicPartition(request.get("topic").asText(), request.get("partition").asInt());
    }

    private static List<Integer> ints(JsonNode array) {
        List<Integer> result = new ArrayList<>();
        array.forEach(element -> result.add(element.asInt()));
        return result;
    }

    private static void ids(ArrayNode result, List<Node> nodes) {
        nodes.forEach(node -> result.add(node.id()));
    }

    private static JsonNode done(Object ignored) {
        return Witness.json.nullNode();
    }
}
