"""Moquette, which speaks MQTT 3.1.1 and refuses 5."""

from tests.brokers.servers.java import JavaServer


class Moquette(JavaServer):
    name = "Moquette"
    version = "0.17"
    mqtt = "3.1.1"
    late = 5
    verdict = "it has a timer"
    source = "Moquette.java"
    packages = ("io.moquette:moquette-broker",)
