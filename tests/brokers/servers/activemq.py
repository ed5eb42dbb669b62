"""Apache ActiveMQ Classic, with its defaults and a store on disk."""

from tests.brokers.servers.java import JavaServer


class ActiveMQ(JavaServer):
    name = "ActiveMQ Classic"
    version = "6.1.8"
    mqtt = "3.1.1"
    source = "ActiveMQ.java"
    packages = (
        "org.apache.activemq:activemq-broker",
        "org.apache.activemq:activemq-mqtt",
        "org.apache.activemq:activemq-kahadb-store",
    )
