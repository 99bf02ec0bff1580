import java.io.IOException;
import java.util.Arrays;

/**
 * Runs another main class, and ends the JVM as soon as standard input is closed. Node holds the other
 * end of that pipe: however the test run dies, kill -9 included, no broker is left behind.
 */
public final class Supervised {
    public static void main(String[] args) throws Throwable {
        Thread watch = new Thread(Supervised::haltAtEndOfInput, "supervisor");
        watch.setDaemon(true);
        watch.start();
        String[] rest = Arrays.copyOfRange(args, 1, args.length);
        Class.forName(args[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
    }

    private static void haltAtEndOfInput() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is ever written; only the end counts.
            }
        } catch (IOException closed) {
            // The same as the end.
        }
        Runtime.getRuntime().halt(1);
    }
}
