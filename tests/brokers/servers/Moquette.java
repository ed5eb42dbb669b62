import io.moquette.broker.Server;
import java.util.Properties;

/** Moquette: port, folder. */
public class Moquette {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("host", "127.0.0.1");
        settings.put("port", arguments[0]);
        settings.put("data_path", arguments[1] + "/");
        settings.put("persistence_enabled", "true");
        settings.put("persistent_queue_type", "h2");
        settings.put("autosave_interval", "1");
        settings.put("telemetry_enabled", "false");
        settings.put("netty.mqtt.message_size", "20000000");
        Server server = new Server();
        server.startServer(settings);
        Runtime.getRuntime().addShutdownHook(new Thread(server::stopServer));
        Thread.currentThread().join();
    }
}
