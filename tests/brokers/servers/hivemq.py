"""HiveMQ Community Edition, with a longer queue than its default of 1000."""

from tests.brokers.servers.java import JavaServer

_CONF = """<hivemq><listeners><tcp-listener><port>{port}</port>
<bind-address>127.0.0.1</bind-address></tcp-listener></listeners>
<mqtt><queued-messages><max-queue-size>1000000</max-queue-size>
</queued-messages>{limits}</mqtt>
<anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics>
</hivemq>
"""
_OPEN = (
    "java.base/java.lang",
    "java.base/java.nio",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
)


class HiveMQ(JavaServer):
    name = "HiveMQ CE"
    version = "2025.5"
    packages = ("com.hivemq:hivemq-community-edition-embedded",)
    source = "HiveMQ.java"
    limits = ""
    """Elements of its configuration that grant less."""
    flags = tuple(f"--add-opens={each}=ALL-UNNAMED" for each in _OPEN)

    def arguments(self) -> list[str]:
        for name in ("conf", "data", "extensions"):
            (self.folder / name).mkdir(exist_ok=True)
        conf = self.folder / "conf/config.xml"
        conf.write_text(_CONF.format(port=self.port, limits=self.limits))
        return [str(self.folder)]
