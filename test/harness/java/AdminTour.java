import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.RaftVoterEndpoint;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Calls the methods of Java's Admin one after the other, checks what each gives, and prints a line for each:
 * its name, a tab, and `ok` or what was thrown. The cluster begins without topics and has three nodes.
 */
public final class AdminTour {
    private static final TopicPartition T0 = new TopicPartition("t", 0);
    private static final Set<String> called = new HashSet<>();
    private final String servers;
    private final Admin admin;

    private interface Step {
        void run() throws Exception;
    }

    private AdminTour(String servers, Admin admin) {
        this.servers = servers;
        this.admin = admin;
    }

    /** The argument is the bootstrap servers. */
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        properties.put("default.api.timeout.ms", 20_000);
        properties.put("request.timeout.ms", 10_000);
        try (Admin admin = Admin.create(properties)) {
            AdminTour tour = new AdminTour(args[0], admin);
            tour.topics();
            tour.configs();
            tour.cluster();
            tour.security();
            tour.transactions();
            tour.groups();
            tour.shareGroups();
            tour.deleteTopics();
            tour.rest();
        }
    }

    private static void step(String method, Step step) {
        called.add(method);
        String outcome = "ok";
        try {
            step.run();
        } catch (Throwable thrown) {
            Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
            outcome = (cause.getClass().getSimpleName() + ": " + cause.getMessage()).replaceAll("\\s+", " ");
        }
        System.out.println(method + "\t" + outcome);
    }

    private static void check(boolean isTrue, Object seen) {
        if (!isTrue) throw new AssertionError("got " + seen);
    }

    private void topics() throws Exception {
        step("createTopics", () -> {
            List<NewTopic> topics = List.of(
                new NewTopic("t", 2, (short) 3).configs(Map.of("retention.ms", "60000")),
                new NewTopic("elsewhere", Map.of(0, List.of(3, 1))));
            int partitions = admin.createTopics(topics).numPartitions("t").get();
            check(partitions == 2, partitions);
        });
        step("listTopics", () -> {
            Set<String> names = admin.listTopics().names().get();
            check(names.containsAll(Set.of("t", "elsewhere")), names);
        });
        step("describeTopics", () -> {
            var byName = admin.describeTopics(List.of("t")).allTopicNames().get().get("t");
            check(byName.partitions().size() == 2 && byName.partitions().get(0).replicas().size() == 3, byName);
            var byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(byName.topicId()))).allTopicIds().get();
            check(byId.get(byName.topicId()).name().equals("t"), byId);
        });
        step("createPartitions", () -> {
            admin.createPartitions(Map.of("t", NewPartitions.increaseTo(3))).all().get();
            int count = admin.describeTopics(List.of("t")).allTopicNames().get().get("t").partitions().size();
            check(count == 3, count);
        });
        try (KafkaProducer<String, String> producer = producer(Map.of())) {
            for (int i = 0; i < 5; i++) producer.send(new ProducerRecord<>("t", 0, "k", "v" + i)).get();
        }
        step("deleteRecords", () -> {
            long low = admin.deleteRecords(Map.of(T0, RecordsToDelete.beforeOffset(2))).lowWatermarks().get(T0).get()
                .lowWatermark();
            check(low == 2, low);
        });
        step("listOffsets", () -> {
            long first = admin.listOffsets(Map.of(T0, OffsetSpec.earliest())).partitionResult(T0).get().offset();
            long last = admin.listOffsets(Map.of(T0, OffsetSpec.latest())).partitionResult(T0).get().offset();
            long newest = admin.listOffsets(Map.of(T0, OffsetSpec.maxTimestamp())).partitionResult(T0).get().offset();
            check(first == 2 && last == 5 && newest == 4, first + " " + last + " " + newest);
        });
        step("electLeaders", () -> {
            var elected = admin.electLeaders(ElectionType.PREFERRED, Set.of(T0)).partitions().get().get(T0);
            check(elected.isEmpty() || elected.get() instanceof ElectionNotNeededException, elected);
        });
        TopicPartition moved = new TopicPartition("elsewhere", 0);
        step("alterPartitionReassignments", () -> admin
            .alterPartitionReassignments(Map.of(moved, Optional.of(new NewPartitionReassignment(List.of(2, 3)))))
            .all().get());
        step("listPartitionReassignments", () -> {
            while (!admin.listPartitionReassignments().reassignments().get().isEmpty()) Thread.sleep(10);
            var replicas = admin.describeTopics(List.of("elsewhere")).allTopicNames().get().get("elsewhere")
                .partitions().get(0).replicas();
            check(replicas.stream().map(node -> node.id()).toList().equals(List.of(2, 3)), replicas);
        });
        step("describeLogDirs", () -> {
            var dirs = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1);
            check(dirs.values().stream().anyMatch(dir -> dir.replicaInfos().containsKey(T0)), dirs);
        });
        step("describeReplicaLogDirs", () -> {
            TopicPartitionReplica replica = new TopicPartitionReplica("t", 0, 1);
            var info = admin.describeReplicaLogDirs(List.of(replica)).all().get().get(replica);
            check(info.getCurrentReplicaLogDir() != null, info);
        });
        step("alterReplicaLogDirs", () -> admin
            .alterReplicaLogDirs(Map.of(new TopicPartitionReplica("t", 0, 1), "/tmp/other")).all().get());
    }

    private void configs() {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, "t");
        step("describeConfigs", () -> {
            Config config = admin.describeConfigs(List.of(topic)).all().get().get(topic);
            check(config.get("retention.ms").value().equals("60000"), config);
            ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
            check(!admin.describeConfigs(List.of(broker)).all().get().get(broker).entries().isEmpty(), broker);
        });
        step("incrementalAlterConfigs", () -> {
            AlterConfigOp set = new AlterConfigOp(new ConfigEntry("retention.ms", "1234"), AlterConfigOp.OpType.SET);
            ConfigResource metrics = new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m");
            AlterConfigOp interval = new AlterConfigOp(new ConfigEntry("interval.ms", "1000"), AlterConfigOp.OpType.SET);
            Map<ConfigResource, Collection<AlterConfigOp>> changes =
                Map.of(topic, List.of(set), metrics, List.of(interval));
            admin.incrementalAlterConfigs(changes).all().get();
            String value = admin.describeConfigs(List.of(topic)).all().get().get(topic).get("retention.ms").value();
            check(value.equals("1234"), value);
        });
        step("listConfigResources", () -> {
            Collection<ConfigResource> listed = admin.listConfigResources().all().get();
            check(listed.contains(topic), listed);
            check(listed.stream().anyMatch(each -> each.type() == ConfigResource.Type.CLIENT_METRICS), listed);
        });
    }

    private void cluster() {
        step("describeCluster", () -> {
            DescribeClusterResult cluster = admin.describeCluster();
            check(cluster.nodes().get().size() == 3 && cluster.controller().get() != null, cluster.nodes().get());
        });
        step("describeFeatures", () -> {
            FeatureMetadata features = admin.describeFeatures().featureMetadata().get();
            check(features.finalizedFeatures().containsKey("transaction.version"), features);
        });
        step("updateFeatures", () -> {
            FeatureUpdate down = new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE);
            admin.updateFeatures(Map.of("transaction.version", down), new UpdateFeaturesOptions()).all().get();
            FeatureUpdate up = new FeatureUpdate((short) 2, FeatureUpdate.UpgradeType.UPGRADE);
            admin.updateFeatures(Map.of("transaction.version", up), new UpdateFeaturesOptions()).all().get();
        });
        step("describeMetadataQuorum", () -> {
            QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
            check(quorum.leaderId() > 0 && !quorum.voters().isEmpty(), quorum);
        });
        step("addRaftVoter", () -> admin
            .addRaftVoter(9, Uuid.randomUuid(), Set.of(new RaftVoterEndpoint("CONTROLLER", "localhost", 9093)))
            .all().get());
        step("removeRaftVoter", () -> admin.removeRaftVoter(9, Uuid.randomUuid()).all().get());
        step("unregisterBroker", () -> admin.unregisterBroker(9).all().get());
        step("metrics", () -> check(!admin.metrics().isEmpty(), admin.metrics()));
    }

    private void security() {
        AclBinding acl = new AclBinding(
            new ResourcePattern(ResourceType.TOPIC, "t", PatternType.LITERAL),
            new AccessControlEntry("User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW));
        step("createAcls", () -> admin.createAcls(List.of(acl)).all().get());
        step("describeAcls", () -> {
            Collection<AclBinding> found = admin.describeAcls(AclBindingFilter.ANY).values().get();
            check(found.equals(List.of(acl)) || found.contains(acl), found);
        });
        step("deleteAcls", () -> {
            Collection<AclBinding> deleted = admin.deleteAcls(List.of(acl.toFilter())).all().get();
            check(deleted.size() == 1, deleted);
        });
        step("alterUserScramCredentials", () -> admin.alterUserScramCredentials(List.of(
            new UserScramCredentialUpsertion("bob", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "pw")))
            .all().get());
        step("describeUserScramCredentials", () -> {
            var users = admin.describeUserScramCredentials().all().get();
            check(users.get("bob").credentialInfos().get(0).iterations() == 4096, users);
            admin.alterUserScramCredentials(
                List.of(new UserScramCredentialDeletion("bob", ScramMechanism.SCRAM_SHA_256))).all().get();
        });
        ClientQuotaEntity alice = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, "alice"));
        step("alterClientQuotas", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
            alice, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1024.0))))).all().get());
        step("describeClientQuotas", () -> {
            var quotas = admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get();
            check(quotas.get(alice).get("producer_byte_rate") == 1024.0, quotas);
        });
        step("createDelegationToken", () -> admin.createDelegationToken().delegationToken().get());
        step("describeDelegationToken", () -> admin.describeDelegationToken().delegationTokens().get());
        step("renewDelegationToken", () -> admin.renewDelegationToken(new byte[4]).expiryTimestamp().get());
        step("expireDelegationToken", () -> admin.expireDelegationToken(new byte[4]).expiryTimestamp().get());
    }

    private void transactions() {
        KafkaProducer<String, String> producer = producer(Map.of("transactional.id", "tx"));
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>("t", 1, "k", "open"));
        producer.flush();
        TopicPartition t1 = new TopicPartition("t", 1);
        step("listTransactions", () -> {
            var listed = admin.listTransactions().all().get();
            check(listed.size() == 1 && listed.iterator().next().transactionalId().equals("tx"), listed);
        });
        step("describeTransactions", () -> {
            TransactionDescription found = admin.describeTransactions(List.of("tx")).all().get().get("tx");
            check(found.topicPartitions().equals(Set.of(t1)), found);
        });
        List<ProducerState> open = new ArrayList<>();
        step("describeProducers", () -> {
            open.addAll(admin.describeProducers(List.of(t1)).all().get().get(t1).activeProducers());
            check(open.size() == 1 && open.get(0).currentTransactionStartOffset().getAsLong() == 0, open);
        });
        step("abortTransaction", () -> {
            ProducerState state = open.get(0);
            AbortTransactionSpec spec = new AbortTransactionSpec(
                t1, state.producerId(), (short) state.producerEpoch(), Math.max(0, state.coordinatorEpoch().orElse(0)));
            admin.abortTransaction(spec).all().get();
        });
        step("fenceProducers", () -> {
            admin.fenceProducers(List.of("tx")).all().get();
            try {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>("t", 1, "k", "late")).get();
                producer.commitTransaction();
            } catch (Exception fenced) {
                return;
            }
            throw new AssertionError("the producer may still write");
        });
        step("forceTerminateTransaction", () -> admin.forceTerminateTransaction("tx").result().get());
        producer.close(Duration.ZERO);
    }

    private void groups() {
        KafkaConsumer<String, String> classic = consumer("classic", Map.of("group.protocol", "classic"));
        KafkaConsumer<String, String> modern = consumer("modern", Map.of("group.protocol", "consumer"));
        for (KafkaConsumer<String, String> consumer : List.of(classic, modern)) {
            consumer.subscribe(List.of("t"));
            int read = 0;
            while (read < 3) read += consumer.poll(Duration.ofMillis(100)).count();
            consumer.commitSync();
        }
        step("listGroups", () -> {
            Set<String> ids = admin.listGroups().all().get().stream().map(GroupListing::groupId)
                .collect(Collectors.toSet());
            check(ids.containsAll(Set.of("classic", "modern")), ids);
        });
        step("describeConsumerGroups", () -> {
            var found = admin.describeConsumerGroups(List.of("modern", "classic")).all().get();
            check(found.get("modern").members().size() == 1 && found.get("classic").members().size() == 1, found);
        });
        step("describeClassicGroups", () -> {
            var found = admin.describeClassicGroups(List.of("classic")).all().get().get("classic");
            check(found.members().size() == 1, found);
        });
        step("listConsumerGroupOffsets", () -> {
            var offsets = admin.listConsumerGroupOffsets(Map.of("modern", new ListConsumerGroupOffsetsSpec())).all()
                .get().get("modern");
            check(offsets.get(T0).offset() == 5, offsets);
        });
        classic.unsubscribe();
        modern.close();
        step("alterConsumerGroupOffsets", () -> {
            admin.alterConsumerGroupOffsets("modern", Map.of(T0, new OffsetAndMetadata(3))).all().get();
            long offset = admin.listConsumerGroupOffsets("modern").partitionsToOffsetAndMetadata().get().get(T0)
                .offset();
            check(offset == 3, offset);
        });
        step("deleteConsumerGroupOffsets", () -> admin.deleteConsumerGroupOffsets("modern", Set.of(T0)).all().get());
        classic.subscribe(List.of("t"));
        while (classic.assignment().isEmpty()) classic.poll(Duration.ofMillis(100));
        step("removeMembersFromConsumerGroup", () -> admin
            .removeMembersFromConsumerGroup("classic", new RemoveMembersFromConsumerGroupOptions()).all().get());
        classic.close();
        step("deleteConsumerGroups", () -> {
            admin.deleteConsumerGroups(List.of("classic", "modern")).all().get();
            check(admin.listGroups().all().get().isEmpty(), admin.listGroups().all().get());
        });
    }

    private void shareGroups() {
        Properties properties = client(Map.of("group.id", "shared"));
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        try (KafkaShareConsumer<String, String> consumer = new KafkaShareConsumer<>(properties)) {
            consumer.subscribe(List.of("t"));
            step("describeShareGroups", () -> {
                var group = admin.describeShareGroups(List.of("shared"));
                for (int i = 0; i < 50; i++) {
                    consumer.poll(Duration.ofMillis(100));
                    try {
                        group = admin.describeShareGroups(List.of("shared"));
                        if (!group.all().get().get("shared").members().isEmpty()) return;
                    } catch (ExecutionException notYet) {
                        continue;
                    }
                }
                throw new AssertionError("got " + group.all().get());
            });
        }
        step("alterShareGroupOffsets", () -> admin.alterShareGroupOffsets("shared", Map.of(T0, 4L)).all().get());
        step("listShareGroupOffsets", () -> {
            Map<String, ListShareGroupOffsetsSpec> spec = new HashMap<>();
            spec.put("shared", new ListShareGroupOffsetsSpec());
            var offsets = admin.listShareGroupOffsets(spec).partitionsToOffsetInfo("shared").get();
            check(offsets.get(T0).startOffset() == 4, offsets);
        });
        step("deleteShareGroupOffsets", () -> admin.deleteShareGroupOffsets("shared", Set.of("t")).all().get());
        step("deleteShareGroups", () -> admin.deleteShareGroups(List.of("shared")).all().get());
    }

    private void deleteTopics() {
        step("deleteTopics", () -> {
            admin.deleteTopics(List.of("t")).all().get();
            Uuid id = admin.describeTopics(List.of("elsewhere")).allTopicNames().get().get("elsewhere").topicId();
            admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
        });
    }

    private void rest() {
        step("describeStreamsGroups", () -> admin.describeStreamsGroups(List.of("streams")).all().get());
        step("unregisterController", () -> admin.unregisterController(9).all().get());
        // New methods of a later version are not left out without a word.
        Set<String> left = new TreeSet<>();
        for (Method method : Admin.class.getMethods()) {
            boolean isOld = Modifier.isStatic(method.getModifiers()) || method.isAnnotationPresent(Deprecated.class);
            if (!isOld && !called.contains(method.getName())) left.add(method.getName());
        }
        for (String method : left) System.out.println(method + "\tnot called");
    }

    private KafkaProducer<String, String> producer(Map<String, String> more) {
        return new KafkaProducer<>(client(more), new StringSerializer(), new StringSerializer());
    }

    private KafkaConsumer<String, String> consumer(String group, Map<String, String> more) {
        Map<String, String> all = new HashMap<>(more);
        all.put("group.id", group);
        all.put("auto.offset.reset", "earliest");
        all.put("enable.auto.commit", "false");
        return new KafkaConsumer<>(client(all), new StringDeserializer(), new StringDeserializer());
    }

    private Properties client(Map<String, String> more) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", servers);
        properties.putAll(more);
        return properties;
    }
}
