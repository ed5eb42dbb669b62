"""Who may see the page: one password, sessions that end, and no endless guessing."""

import secrets
import threading
import time
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from common.errors import OperatorError
from page.limits import Limit

_LASTS = 12 * 3600.0  # seconds: a day's work
_TRIES = 5  # of one address in a minute
_ALL_TRIES = 50  # of all addresses together
_WELCOME = 1000  # addresses that are remembered


def make_hash(password: str) -> str:
    """The argon2id hash that PAGE_PASSWORD_HASH is set to.

    Raises:
        OperatorError: the password is too short to withstand guessing.
    """
    if len(password) < 8:
        raise OperatorError("the password is too short: take 8 characters or more")
    return PasswordHasher().hash(password)


class Login:
    """Checks the password and remembers who has given it."""

    def __init__(
        self, password_hash: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare.

        Raises:
            OperatorError: `password_hash` is none.
        """
        self._hasher = PasswordHasher()
        self._hash = password_hash
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, float] = {}
        self._welcome: dict[str, None] = {}  # addresses, the oldest first
        self._limit = Limit(_TRIES, 60, clock)
        self._limit_of_all = Limit(_ALL_TRIES, 60, clock)
        try:
            self._hasher.check_needs_rehash(password_hash)
        except InvalidHashError:
            raise OperatorError(
                "PAGE_PASSWORD_HASH is no argon2 hash: make one with "
                "`python live_page.py --make-hash`"
            ) from None

    def may_try(self, address: str) -> bool:
        """Whether this address may try a password now; counts the try.

        Those who have been in before are not held up by the tries of others.
        """
        if not self._limit.allows(address):
            return False
        return address in self._welcome or self._limit_of_all.allows()

    def enter(self, password: str, address: str = "") -> str | None:
        """A new session for who is at `address`, None for a wrong password."""
        try:
            with self._lock:  # one at a time: each takes 64 MiB
                self._hasher.verify(self._hash, password)
        except VerificationError:
            return None
        self._welcome[address] = None
        if len(self._welcome) > _WELCOME:
            del self._welcome[next(iter(self._welcome))]
        session = secrets.token_urlsafe(32)
        self._sessions[session] = self._clock() + _LASTS
        return session

    def leave(self, session: str) -> None:
        """End a session."""
        self._sessions.pop(session, None)

    def knows(self, session: str) -> bool:
        """Whether this session is open."""
        now = self._clock()
        for each in [s for s, end in self._sessions.items() if end <= now]:
            del self._sessions[each]
        return session in self._sessions
