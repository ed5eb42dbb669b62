"""What a broker of MQTT answers and delivers, as data."""

from collections.abc import Callable
from dataclasses import dataclass, field

FOREVER = 0xFFFFFFFF
"""Session expiry interval: never."""

_TAKEN_OVER = 0x8E
_NOBODY = 0x10
_OTHER_VERSION = 0x84
_NO_SUCH_ID = 0x85
_NOT_ALLOWED = 0x87
_NO_RETAIN = 0x9A
_NO_QOS = 0x9B


@dataclass(frozen=True)
class Reason:
    """What the broker said to something that it was asked, or why a line ended."""

    code: int
    text: str
    failure: bool

    def __str__(self) -> str:
        return self.text

    @property
    def taken_over(self) -> bool:
        """Another client has connected under this one's id."""
        return self.code == _TAKEN_OVER

    @property
    def other_version(self) -> bool:
        """The broker does not speak this version of MQTT."""
        return self.code in (_OTHER_VERSION, 1)

    @property
    def client_id(self) -> bool:
        """The client id is too long for the broker, or not to its taste."""
        return self.code == _NO_SUCH_ID

    @property
    def not_allowed(self) -> bool:
        """The access list is against it."""
        return self.code == _NOT_ALLOWED

    @property
    def no_retain(self) -> bool:
        """Nothing may be retained."""
        return self.code == _NO_RETAIN

    @property
    def no_qos(self) -> bool:
        """Nothing of this QoS is taken."""
        return self.code == _NO_QOS

    @property
    def nobody(self) -> bool:
        """A message was taken for which there is no subscription."""
        return self.code == _NOBODY


@dataclass(frozen=True)
class Granted:
    """What the broker said when it took the connection; MQTT 3.1.1 tells only `found`.

    The defaults are MQTT 5's for what is not said.
    """

    found: bool = False
    """It had the session already."""
    receive_maximum: int = 65_535
    """Messages that the client may have sent and the broker not acknowledged."""
    session_expiry: int | None = None
    """Seconds that a session outlives its connection; None: as long as was asked."""
    maximum_qos: int = 2
    retain: bool = True
    """Messages may be retained."""
    wildcards: bool = True
    """A subscription may have `+` and `#`."""
    maximum_packet: int | None = None
    """Bytes; None if there is no limit."""


@dataclass(frozen=True)
class Delivery:
    """A message as the broker delivered it."""

    mid: int
    qos: int
    topic: str
    payload: bytes = field(repr=False)
    again: bool
    """It was delivered before, says the broker."""
    retained: bool
    """It was published before the subscription."""
    properties: tuple[tuple[str, str], ...] = ()
    """MQTT 5 user properties that the sender gave it."""


@dataclass(frozen=True)
class Callbacks:
    """Who hears of what, in the network thread: nothing here may wait."""

    connected: Callable[[Granted], None] = lambda _granted: None
    refused: Callable[[Reason], None] = lambda _reason: None
    """The broker answered, and does not want the connection."""
    unreachable: Callable[[BaseException | None], None] = lambda _error: None
    """There was no connection to be had."""
    lost: Callable[[Reason], None] = lambda _reason: None
    """A connection ended, or a try of one; code 0 if that was wished."""
    subscribed: Callable[[list[Reason]], None] = lambda _answers: None
    """The answer to each topic; codes 0 to 2 are the QoS that is granted."""
    unsubscribed: Callable[[], None] = lambda: None
    message: Callable[[Delivery], None] = lambda _delivery: None
    published: Callable[[Reason], None] = lambda _reason: None
    """The broker has answered a message of QoS 1 or more, or one of QoS 0 is sent."""
