import com.hivemq.embedded.EmbeddedExtension;
import com.hivemq.embedded.EmbeddedHiveMQ;
import com.hivemq.extension.sdk.api.ExtensionMain;
import com.hivemq.extension.sdk.api.auth.SimpleAuthenticator;
import com.hivemq.extension.sdk.api.parameter.*;
import com.hivemq.extension.sdk.api.services.Services;
import java.nio.file.Path;

/** HiveMQ in the folder that the first argument names; everybody may connect. */
public class HiveMQ {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        SimpleAuthenticator everybody = (in, out) -> out.authenticateSuccessfully();
        ExtensionMain open = new ExtensionMain() {
            public void extensionStart(ExtensionStartInput in, ExtensionStartOutput out) {
                Services.securityRegistry().setAuthenticatorProvider(input -> everybody);
            }
            public void extensionStop(ExtensionStopInput in, ExtensionStopOutput out) {}
        };
        EmbeddedHiveMQ server = EmbeddedHiveMQ.builder()
            .withConfigurationFolder(folder.resolve("conf"))
            .withDataFolder(folder.resolve("data"))
            .withExtensionsFolder(folder.resolve("extensions"))
            .withEmbeddedExtension(EmbeddedExtension.builder()
                .withId("open").withName("open").withVersion("1").withAuthor("test")
                .withExtensionMain(open).build())
            .build();
        server.start().join();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop().join()));
        Thread.currentThread().join();
    }
}
