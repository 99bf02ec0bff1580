// How long a group of Java consumers in one process takes to share the partitions of a topic, and then to take one
// more member in. One line of JSON: {"formed": ms, "joined": ms}.
// java -cp '<kafka-clients and its dependencies>' RebalanceBench.java <servers> <topic> <group> <protocol> <members>

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class RebalanceBench {
    public static void main(String[] args) throws Exception {
        String servers = args[0], topic = args[1], group = args[2], protocol = args[3];
        int members = Integer.parseInt(args[4]);
        // What a class costs when it is first used is no part of a rebalance.
        new RebalanceBench(servers, topic, group + "-warm", protocol, 2).run();
        double[] times = new RebalanceBench(servers, topic, group, protocol, members).run();
        System.out.printf("{\"formed\":%.0f,\"joined\":%.0f}%n", times[0], times[1]);
        System.exit(0);
    }

    private final List<KafkaConsumer<byte[], byte[]>> consumers = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicIntegerArray owned;
    private final String topic;
    private final int members;
    private int partitions;

    RebalanceBench(String servers, String topic, String group, String protocol, int members) {
        this.topic = topic;
        this.members = members;
        owned = new AtomicIntegerArray(members + 1);
        Properties given = new Properties();
        given.put("bootstrap.servers", servers);
        given.put("group.id", group);
        given.put("auto.offset.reset", "earliest");
        if (protocol.equals("consumer")) given.put("group.protocol", "consumer");
        else {
            given.put("group.protocol", "classic");
            given.put("partition.assignment.strategy", protocol.equals("eager")
                ? "org.apache.kafka.clients.consumer.RangeAssignor"
                : "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        }
        for (int i = 0; i <= members; i++) {
            consumers.add(new KafkaConsumer<>(given, new ByteArrayDeserializer(), new ByteArrayDeserializer()));
        }
    }

    double[] run() throws Exception {
        partitions = consumers.get(members).partitionsFor(topic).size();
        long begin = System.nanoTime();
        for (int i = 0; i < members; i++) start(i);
        double formed = settled(members, begin);
        begin = System.nanoTime();
        start(members);
        double joined = settled(members + 1, begin);
        for (KafkaConsumer<byte[], byte[]> consumer : consumers) consumer.wakeup();
        for (Thread thread : threads) thread.join();
        return new double[] {formed, joined};
    }

    private void start(int index) {
        Thread thread = new Thread(() -> {
            KafkaConsumer<byte[], byte[]> consumer = consumers.get(index);
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                public void onPartitionsAssigned(Collection<TopicPartition> added) {
                    owned.set(index, consumer.assignment().size());
                }
                public void onPartitionsRevoked(Collection<TopicPartition> lost) {
                    owned.set(index, consumer.assignment().size() - lost.size());
                }
            });
            try {
                while (true) consumer.poll(Duration.ofMillis(100));
            } catch (WakeupException end) {
                // Leaving one after the other would be a rebalance for each.
            }
        });
        threads.add(thread);
        thread.start();
    }

    /** Milliseconds until `count` members share all partitions evenly. */
    private double settled(int count, long begin) throws InterruptedException {
        long end = begin + 120_000_000_000L;
        while (System.nanoTime() < end) {
            int sum = 0;
            boolean isEven = true;
            for (int i = 0; i < count; i++) {
                int size = owned.get(i);
                sum += size;
                isEven &= size == partitions / count || size == (partitions + count - 1) / count;
            }
            if (isEven && sum == partitions) return (System.nanoTime() - begin) / 1e6;
            Thread.sleep(1);
        }
        throw new IllegalStateException("the group has not settled within 120 s");
    }
}
