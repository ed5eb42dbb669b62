"""Apache ActiveMQ Artemis, with its defaults and a journal on disk."""

from tests.brokers.servers.java import JavaServer

_CONF = """<configuration xmlns="urn:activemq"><core xmlns="urn:activemq:core">
<persistence-enabled>true</persistence-enabled>
<security-enabled>false</security-enabled>
<journal-type>NIO</journal-type>
<journal-directory>{folder}/journal</journal-directory>
<bindings-directory>{folder}/bindings</bindings-directory>
<large-messages-directory>{folder}/large</large-messages-directory>
<paging-directory>{folder}/paging</paging-directory>
<max-disk-usage>100</max-disk-usage>
<acceptors>
<acceptor name="mqtt">tcp://127.0.0.1:{port}?protocols=MQTT</acceptor>
</acceptors></core></configuration>
"""


class Artemis(JavaServer):
    name = "Artemis"
    version = "2.44.0"
    verdict = "a new number, without a mark"
    source = "Artemis.java"
    packages = (
        "org.apache.activemq:artemis-server",
        "org.apache.activemq:artemis-mqtt-protocol",
    )

    def arguments(self) -> list[str]:
        conf = self.folder / "broker.xml"
        conf.write_text(_CONF.format(port=self.port, folder=self.folder))
        return [conf.as_uri()]
