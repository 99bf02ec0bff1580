import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.apache.kafka.server.telemetry.ClientTelemetryContext;
import org.apache.kafka.server.telemetry.ClientTelemetryExporter;
import org.apache.kafka.server.telemetry.ClientTelemetryExporterProvider;
import org.apache.kafka.server.telemetry.ClientTelemetryPayload;
import org.apache.kafka.shaded.io.opentelemetry.proto.common.v1.KeyValue;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.Metric;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.MetricsData;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.ScopeMetrics;

/**
 * A metrics reporter of brokers that takes what clients push (KIP-714). What the classes of Kafka's own client
 * read in it goes into the file that the property kafkawire.telemetry names, tab-separated, a line for each value.
 */
public class TelemetryReporter implements MetricsReporter, ClientTelemetryExporterProvider, ClientTelemetryExporter {
    private Path file;

    @Override
    public void configure(Map<String, ?> configs) {
        file = Path.of(System.getProperty("kafkawire.telemetry"));
    }

    @Override
    public void init(List<KafkaMetric> metrics) {}

    @Override
    public void metricChange(KafkaMetric metric) {}

    @Override
    public void metricRemoval(KafkaMetric metric) {}

    @Override
    public void close() {}

    @Override
    public ClientTelemetryExporter clientTelemetryExporter() {
        return this;
    }

    @Override
    public synchronized void exportMetrics(ClientTelemetryContext context, ClientTelemetryPayload payload) {
        try {
            ByteBuffer bytes = payload.data();
            MetricsData data = MetricsData.parseFrom(bytes);
            StringBuilder lines = new StringBuilder();
            String head = context.authorizableRequestContext().clientId() + "\t" + payload.clientInstanceId() + "\t" + payload.isTerminating();
            for (ResourceMetrics resource : data.getResourceMetricsList()) {
                String labels = attributes(resource.getResource().getAttributesList());
                for (ScopeMetrics scope : resource.getScopeMetricsList()) {
                    for (Metric metric : scope.getMetricsList()) {
                        boolean isSum = metric.hasSum();
                        String kind = isSum ? "sum " + metric.getSum().getAggregationTemporality() : "gauge";
                        for (NumberDataPoint point : isSum
                            ? metric.getSum().getDataPointsList()
                            : metric.getGauge().getDataPointsList()) {
                            lines.append(head).append('\t').append(labels)
                                .append('\t').append(metric.getName())
                                .append('\t').append(kind)
                                .append('\t').append(attributes(point.getAttributesList()))
                                .append('\t').append(point.getAsDouble()).append('\n');
                        }
                    }
                }
            }
            Files.writeString(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException problem) {
            throw new IllegalStateException(problem);
        }
    }

    private static String attributes(List<KeyValue> list) {
        StringBuilder text = new StringBuilder();
        for (KeyValue each : list) {
            text.append(each.getKey()).append('=').append(each.getValue().getStringValue()).append(',');
        }
        return text.toString();
    }
}
