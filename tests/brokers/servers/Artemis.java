import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;

/** Artemis with the broker.xml that the first argument names. */
public class Artemis {
    public static void main(String[] arguments) throws Exception {
        EmbeddedActiveMQ server = new EmbeddedActiveMQ();
        server.setConfigResourcePath(arguments[0]);
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try { server.stop(); } catch (Exception e) { e.printStackTrace(); }
        }));
        Thread.currentThread().join();
    }
}
