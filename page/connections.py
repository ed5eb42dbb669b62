"""How many connections the web server holds, and for how long a silent one.

Whoever connects and asks for nothing, or never ends its question, costs a place. So a
connection has a few seconds to ask, and where places are short, the one that has been
silent for longest makes room: a browser that asks is never turned away for it.
"""

import ipaddress
import resource
from asyncio import Transport
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from asyncio import TimerHandle

_ASKING = 10.0  # seconds that a connection has to ask for something
_MOST = 2000  # at a time; each open page holds one, and a few for its pictures
_MOST_OF_ONE = 700  # of one address

_CLOSED = b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Connections:
    """The open ones, the oldest first."""

    def __init__(self, proxies: Sequence[str] = ()) -> None:
        """`proxies` are networks that may open many, for they speak for many."""
        self._proxies = [ipaddress.ip_network(each) for each in proxies]
        self._open: dict[Connection, str] = {}  # with its address

    @staticmethod
    def allow_files() -> None:
        """Let this process have a file descriptor for each, and some more."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _MOST + 200
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

    def protocol(self) -> Callable[..., "Connection"]:
        """What uvicorn makes for each connection."""

        def make(config: Config, **state: Any) -> Connection:  # noqa: ANN401 - uvicorn's
            return Connection(self, config=config, **state)

        return make

    def admit(self, new: "Connection", address: str) -> bool:
        """Take one in, if need be in the place of a silent one."""
        own = [each for each, of in self._open.items() if of == address]
        crowded = len(own) >= _MOST_OF_ONE and not self._is_proxy(address)
        if crowded or len(self._open) >= _MOST:
            among = own if crowded else list(self._open)
            # First those that have never asked: who has been answered may ask again.
            silent = sorted((c for c in among if c.silent), key=lambda c: bool(c.cycle))
            if not silent:
                return False
            self.forget(silent[0])
            silent[0].transport.abort()
        self._open[new] = address
        return True

    def _is_proxy(self, address: str) -> bool:
        place = ipaddress.ip_address(address)
        return any(place in each for each in self._proxies)

    def forget(self, one: "Connection") -> None:
        """It is closed."""
        self._open.pop(one, None)


class Connection(H11Protocol):
    """One connection: uvicorn's, with an end to its patience."""

    def __init__(self, all_of_them: Connections, **state: Any) -> None:  # noqa: ANN401
        super().__init__(**state)
        self._all = all_of_them
        self._patience: TimerHandle | None = None

    @property
    def silent(self) -> bool:
        """Whether no question is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Somebody connects."""
        super().connection_made(transport)
        if self._all.admit(self, self.client[0] if self.client else "::"):
            self._wait()
        else:
            transport.write(_CLOSED)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        super().connection_lost(exc)
        self._all.forget(self)
        self._stop_waiting()

    def data_received(self, data: bytes) -> None:
        """Some of a question."""
        if self.transport.is_closing():
            return
        super().data_received(data)

    def handle_events(self) -> None:
        """Look at what has come: perhaps it is a question."""
        super().handle_events()
        if not self.silent:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """It is answered; the next question has as long as the first."""
        self._stop_waiting()
        self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        # One span for all of the question: a byte now and then buys no time.
        self._patience = self.loop.call_later(_ASKING, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None
