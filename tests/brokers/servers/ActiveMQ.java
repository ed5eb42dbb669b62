import java.io.File;
import org.apache.activemq.broker.BrokerService;

/** ActiveMQ Classic: port, folder. */
public class ActiveMQ {
    public static void main(String[] arguments) throws Exception {
        BrokerService server = new BrokerService();
        server.setDataDirectoryFile(new File(arguments[1], "data"));
        server.setPersistent(true);
        server.setUseJmx(false);
        server.setSchedulerSupport(false);
        server.addConnector("mqtt://127.0.0.1:" + arguments[0]);
        server.start();
        server.waitUntilStopped();
    }
}
