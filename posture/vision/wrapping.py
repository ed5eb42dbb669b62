"""From what cameras wrap a picture in to the picture's file: Base64, quotes, JSON."""

import json
import re
from contextlib import suppress

import pybase64

from posture.errors import RefusedError

_BLANKS = b" \t\r\n\v\f\0"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_AFTER_PADDING = re.compile(rb"(?<==)(?!=)")
_SHOWN = 16  # bytes


def without_blanks(payload: bytes) -> bytes:
    """The payload without what is blank at its ends: spaces, NULs, byte order mark."""
    text = payload.strip(_BLANKS)
    if text.startswith(_BYTE_ORDER_MARK):
        text = text[len(_BYTE_ORDER_MARK) :].lstrip(_BLANKS)
    return text


def field_of(payload: bytes, path: str | None) -> bytes:
    """What a JSON object has under `path` (`image`, or `data.image`); else the payload.

    Raises:
        RefusedError: it is a JSON object, and nothing says which field is the picture.
    """
    if not payload[:64].lstrip(_BLANKS + _BYTE_ORDER_MARK).startswith(b"{"):
        return payload
    try:
        found = json.loads(without_blanks(payload))
    except (ValueError, RecursionError):
        return payload
    if path is None:
        raise RefusedError(
            "payload is a JSON object: name the field with the picture in "
            f"PAYLOAD_FIELD; it has {_names(found)}"
        )
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            raise RefusedError(
                f"payload is a JSON object without PAYLOAD_FIELD={path}; it has "
                f"{_names(found)}"
            )
        found = found[name]
    if not isinstance(found, str):
        raise RefusedError(f"PAYLOAD_FIELD={path} is no text in this JSON object")
    return found.encode(errors="replace")


def _names(found: object) -> str:
    names = list(found) if isinstance(found, dict) else []
    return ", ".join(each[:_SHOWN] for each in names[:8]) or "none"


def from_base64(payload: bytes) -> bytes:
    """What Base64 stands for, of either alphabet, in whatever a camera wraps it.

    Line breaks and blanks, quotes as of a JSON string or Python's bytes, a data URL,
    blocks each with its padding, or none at all.

    Raises:
        RefusedError: it is none; says which byte is the first that does not belong.
    """
    with suppress(ValueError):
        return pybase64.b64decode(payload, validate=True)  # as most cameras send it
    text = _without_quotes(without_blanks(payload))
    if text[:5].lower() == b"data:":
        text = text.partition(b",")[2]
    text = text.translate(_URL_SAFE, _BLANKS)
    try:
        return b"".join(map(_decoded, _AFTER_PADDING.split(text)))
    except ValueError:
        raise RefusedError(_what_is_wrong(payload)) from None


def _without_quotes(text: bytes) -> bytes:
    if text[:2] in (b"b'", b'b"'):
        text = text[1:]
    if len(text) > 1 and text[:1] in (b"'", b'"') and text[-1:] == text[:1]:
        with suppress(ValueError):  # a JSON string, which may have escapes
            return without_blanks(str(json.loads(text)).encode(errors="replace"))
        return without_blanks(text[1:-1])
    return text


def _decoded(block: bytes) -> bytes:
    # Some encoders leave the padding out.
    return pybase64.b64decode(block + b"=" * (-len(block) % 4), validate=True)


def _what_is_wrong(payload: bytes) -> str:
    """Which byte does not belong, counted from the payload's first."""
    shown = payload[:_SHOWN].decode("ascii", "backslashreplace")
    said = f"payload is neither Base64 nor an image: begins with {shown!r}"
    start = 0
    head = without_blanks(payload[:256])
    if head.lstrip(b"b'\"")[:5].lower() == b"data:":
        start = payload.find(b",") + 1
    harmless = _BLANKS + _BYTE_ORDER_MARK + b"-_='\"" + b"b" * (not start)
    for at in range(start, len(payload)):
        byte = payload[at : at + 1]
        if not _BASE64.fullmatch(byte) and byte not in harmless:
            return f"{said}, and has byte 0x{byte.hex()} at offset {at}"
    return f"{said}, and ends in the midst of a group of four characters"
