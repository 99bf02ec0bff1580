import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;

/** The Admin clients that one test file uses, one for each configuration. They end with its connection. */
final class Admins implements AutoCloseable {
    private final Map<Properties, Admin> open = new HashMap<>();

    synchronized Admin of(Properties properties) {
        return open.computeIfAbsent(properties, Admin::create);
    }

    @Override
    public synchronized void close() {
        for (Admin admin : open.values()) admin.close(Duration.ZERO);
    }
}
