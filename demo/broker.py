"""The one door to the embedded MQTT broker: rumqttd, from the package iotcore."""

import socket
from pathlib import Path

import iotcore

from common.errors import OperatorError

LARGEST = 32 << 20  # bytes of one message

# rumqttd keeps messages of a session in memory segments; these hold some hundred
# pictures. The names are those of its own configuration file.
_CONFIG = """
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v4.1]
name = "demo"
listen = "{listen}:{port}"
next_connection_delay_ms = 1

[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = {largest}
max_inflight_count = 200
dynamic_filters = true
"""


def start_broker(folder: Path, listen: str, port: int) -> iotcore.Broker:
    """Start a broker that is gone when this process is; stop it with `stop()`.

    Raises:
        OperatorError: it does not start; says what to do.
    """
    config = folder / "broker.toml"
    config.write_text(_CONFIG.format(listen=listen, port=port, largest=LARGEST))
    broker = iotcore.Broker(config_path=str(config))
    try:
        return broker.start()
    except (OSError, RuntimeError) as error:
        raise OperatorError(
            f"the broker cannot listen on {listen}:{port}: {error}; "
            "name another address with --listen, another port with --broker-port"
        ) from error


def free_port(listen: str, wanted: int) -> int:
    """`wanted`, or a port that the system chooses when something uses it already.

    Raises:
        OperatorError: there is no such address on this machine.
    """
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listen, port))
            except PermissionError:
                continue
            except OSError as error:
                if port == 0:
                    raise OperatorError(
                        f"--listen {listen}: {error.strerror or error}; give an "
                        "address of this machine, such as 127.0.0.1 or 0.0.0.0"
                    ) from error
                continue
            return int(probe.getsockname()[1])
    raise OperatorError(f"no port of {listen} may be used")


def own_address() -> str:
    """The address under which other devices of the network reach this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: the system only chooses the interface.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
