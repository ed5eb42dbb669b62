"""Days and times in words, in the language that is spoken."""

from datetime import date, datetime

from page.words import gettext as _


def weekday(number: int) -> str:
    """The short name of a weekday; 0 is Monday."""
    names = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return names[number]


def long_weekday(number: int) -> str:
    """The name of a weekday; 0 is Monday."""
    working = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"))
    return (*working, _("Saturday"), _("Sunday"))[number]


def month(number: int) -> str:
    """The short name of a month; 1 is January."""
    first = (_("Jan"), _("Feb"), _("Mar"), _("Apr"), _("May"), _("Jun"))
    last = (_("Jul"), _("Aug"), _("Sep"), _("Oct"), _("Nov"), _("Dec"))
    return (first + last)[number - 1]


def day_words(day: date) -> str:
    """A day, such as `Mon 23 Nov 2026`."""
    # A translation may use %(number)s, the month's number, instead of its name.
    return _("%(weekday)s %(day)s %(month)s %(year)s") % _parts(day)


def moment_words(moment: datetime) -> str:
    """A time of this year, such as `Mon 23 Nov 14:11`."""
    clock = f"{moment:%H:%M}"
    return _("%(weekday)s %(day)s %(month)s %(clock)s") % (
        _parts(moment) | {"clock": clock}
    )


def _parts(day: date) -> dict[str, object]:
    return {
        "weekday": weekday(day.weekday()),
        "day": day.day,
        "month": month(day.month),
        "number": day.month,
        "year": day.year,
    }
