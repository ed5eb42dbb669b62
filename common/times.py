"""Times of the day and time zones, as settings name them."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True)
class QuietHours:
    """A part of every day; it may go over midnight."""

    start: time
    end: time

    def cover(self, moment: datetime) -> bool:
        """Whether a time, in the zone of these hours, is in them."""
        now = moment.time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def quiet_hours(text: str) -> QuietHours:
    """Read hours such as 18:00-08:00."""
    try:
        start, end = (time.fromisoformat(each) for each in text.split("-"))
    except ValueError:
        raise ValueError("two times of the day, such as 18:00-08:00") from None
    return QuietHours(start, end)


def zone(text: str) -> ZoneInfo | None:
    """Read a time zone; None is what datetime takes for that of this machine."""
    if text == "local":
        return None
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("local, or a time zone such as Europe/Berlin") from None
