"""Pauses that somebody publishes: what they say, and how they are kept. Pure rules."""

from datetime import UTC, datetime, timedelta

FOR_GOOD = datetime.max.replace(tzinfo=UTC)
"""A pause that ends when somebody ends it."""

_LONGEST = 31 * 24 * 60  # minutes


def paused_until(text: str, now: datetime) -> datetime | None:
    """Until when there is a pause, None for none.

    `text` is what is published: nothing, `off` or 0 for none, `on` for one without an
    end, minutes from `now`, or a time such as 2026-11-25T14:00Z.

    Raises:
        ValueError: it is none of these.
    """
    word = text.strip().lower()
    if word in ("", "off", "0", "false"):
        return None
    if word in ("on", "true"):
        return FOR_GOOD
    if word.isdecimal() and word.isascii() and len(word) < 7:
        return now + timedelta(minutes=min(int(word), _LONGEST))
    try:
        until = datetime.fromisoformat(text.strip())
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        raise ValueError(
            f"{text[:40]!r} is no pause: off, on, minutes, or a time with its zone, "
            "such as 2026-11-25T14:00Z"
        )
    return until if until > now else None


def kept_text(text: str, until: datetime | None) -> str | None:
    """What the broker is to keep in the place of `text`; None: it may stay.

    Minutes would begin anew with each connection. Nothing stays nothing.
    """
    kept = as_text(until)
    said = text.strip()
    return None if kept in (said, said.lower()) or not said else kept


def as_text(until: datetime | None) -> str:
    """A pause as it is kept at the broker: a time stays right after a restart."""
    if until is None or until == FOR_GOOD:
        return "on" if until else "off"
    return until.astimezone(UTC).isoformat(timespec="seconds")
