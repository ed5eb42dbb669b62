"""paho's client, with what it is told turned into data; only `common.mqtt` has one."""

import sys
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.takes import Takes

_MOST_ON_THE_WAY = 20  # messages; paho's own number, and Mosquitto's


class PahoClient(Client):
    """A client whose callbacks end in ours."""

    def __init__(
        self, client_id: str, *, five: bool, durable: bool, path: str | None = None
    ) -> None:
        """Prepare; MQTT `five` or 3.1.1, over WebSockets if there is a `path`."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if five else not durable,
            protocol=MQTTv5 if five else MQTTv311,
            transport="websockets" if path else "tcp",
        )
        if path:
            self.ws_set_options(path)
        self._five = five
        self._hears = Callbacks()
        self._takes = Takes()
        self._answered = False  # the broker has, on this connection

    def attach(self, on: Callbacks, takes: Takes) -> None:
        """Call these, and note what they tell of the broker."""
        self._hears, self._takes = on, takes
        self.on_connect = lambda *told: self._told_connected(*told[2:5])
        # paho calls this while it handles the error, which it keeps to itself.
        self.on_connect_fail = lambda *_: on.unreachable(sys.exception())
        self.on_disconnect = lambda *told: self._told_lost(_reason(told[3]))
        self.on_subscribe = lambda *told: on.subscribed(list(map(_reason, told[3])))
        self.on_unsubscribe = lambda *_: on.unsubscribed()
        self.on_message = lambda *told: on.message(_delivery(told[2]))
        self.on_publish = lambda *told: on.published(_reason(told[3]))

    def give_up_largest(self, least: int) -> int:
        """See `Connection`."""
        with self._out_message_mutex:
            sizes = {mid: len(it.payload) for mid, it in self._out_messages.items()}
            mid = max(sizes, key=lambda each: sizes[each], default=0)
            if sizes.get(mid, 0) < least:
                return 0
            del self._out_messages[mid]
        return sizes[mid]

    def _told_connected(
        self, flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._answered = True
        if code.is_failure:
            self._ended(_reason(code))
            self._hears.refused(_reason(code))
            return
        granted = _granted(flags.session_present, properties)
        # paho's own setter is for before the connection.
        self._max_inflight_messages = min(_MOST_ON_THE_WAY, granted.receive_maximum)
        self._takes.connected(granted)
        self._ask_no_more()
        self._hears.connected(granted)

    def _told_lost(self, reason: Reason) -> None:
        self._ended(reason)
        self._answered = False
        self._hears.lost(reason)

    def _ended(self, reason: Reason) -> None:
        wanted = self._wants_retained() if self._answered else self._will
        self._takes.ended(
            reason, answered=self._answered, suspect=wanted and not self._five
        )
        self._ask_no_more()

    def _wants_retained(self) -> bool:
        """Whether all that the broker has not taken yet is to be retained."""
        with self._out_message_mutex:
            left = [each.retain for each in self._out_messages.values()]
        return bool(left) and all(left)

    def _ask_no_more(self) -> None:
        """Change what goes out with the next connection to what the broker takes."""
        takes = self._takes
        self._will_retain = self._will and takes.retained
        self._will_qos = min(self._will_qos, takes.qos)
        if not takes.retained:
            with self._out_message_mutex:
                for each in self._out_messages.values():
                    each.retain = False


def _reason(code: ReasonCode) -> Reason:
    return Reason(code.value, str(code), code.is_failure)


def _granted(found: bool, properties: Properties | None) -> Granted:
    named = {
        "receive_maximum": "ReceiveMaximum",
        "session_expiry": "SessionExpiryInterval",
        "maximum_qos": "MaximumQoS",
        "retain": "RetainAvailable",
        "wildcards": "WildcardSubscriptionAvailable",
        "maximum_packet": "MaximumPacketSize",
    }
    said = {name: getattr(properties, theirs, None) for name, theirs in named.items()}
    told: dict[str, Any] = {name: it for name, it in said.items() if it is not None}
    for name in ("retain", "wildcards"):
        told[name] = bool(told.get(name, True))
    return Granted(found, **told)


def _delivery(message: MQTTMessage) -> Delivery:
    try:
        topic = message.topic
    except UnicodeDecodeError:
        topic = "topic/undecodable"
    return Delivery(
        message.mid,
        message.qos,
        topic,
        bytes(message.payload),
        message.dup,
        message.retain,
        tuple(getattr(message.properties, "UserProperty", None) or ()),
    )
