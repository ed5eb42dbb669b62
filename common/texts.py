"""What the text of a setting cannot have, and how it is shown in a message."""

import re
from collections.abc import Iterable

_SHORTEST = 6  # characters of a secret that can be told from other words
_LOGIN = re.compile(r"(?s)^([a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE)
_PAIR = re.compile(
    r"(\w*(?:pass|pwd|token|secret|key)\w*\s*=\s*)('[^']*'|\S+)", re.IGNORECASE
)


def check_characters(text: str) -> None:
    """Refuse what nobody has typed and nobody would see.

    Raises:
        ValueError: says what was expected.
    """
    if text.endswith("\r") or "\r\n" in text:
        raise ValueError(
            "no carriage return: the file that it comes from has the line ends of "
            "Windows, which sed -i 's/\\r$//' FILE removes"
        )
    if any((ord(each) < 32 and each not in "\t\n") or each == "\x7f" for each in text):
        raise ValueError("no control characters")


def without_login(text: str) -> str:
    """The text without what may be a user, a password or a token in it."""
    return _PAIR.sub(r"\1***", _LOGIN.sub(r"\1***@", text))


def without_secrets(text: str, secrets: Iterable[str | None]) -> str:
    """A text in which *** stands for each secret that is long enough to be one."""
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST:
            text = text.replace(secret, "***")
    return text
