"""A week as text for a terminal. Pure rules."""

from datetime import timedelta

from page.week import (
    Cell,
    Seen,
    Week,
    days_shown,
    duration,
    hours_shown,
    occasions,
    verdict,
    week_of,
)

_WIDTH = 4


def week_text(this: Seen, last: Seen) -> str:
    """The hours of this week, and what can be said of it beside the last."""
    week, before = week_of(this.minutes), week_of(last.minutes)
    return "\n".join([*_table(week), "", *_words(this, week, before)])


def _table(week: Week) -> list[str]:
    hours = hours_shown(week.cells)
    head = "    " + "".join(f"{hour:>{_WIDTH}}" for hour in hours)
    days = [
        name + " " + "".join(_cell(week.cell(day, hour)) for hour in hours)
        for day, name in days_shown(week.cells)
    ]
    return [head, *days]


def _cell(cell: Cell) -> str:
    if not cell.judged:
        return " " * _WIDTH
    return f"{'.' if cell.share is None else cell.share:>{_WIDTH}}"


def _words(seen: Seen, week: Week, before: Week) -> list[str]:
    said = [verdict(week, before)]
    if week.judged:
        judged = duration(timedelta(minutes=week.judged))
        said.append(f"{judged} judged, {week.share} % of it leaning.")
        time, leaning = week.longest
        how = "leaning" if leaning else "upright"
        said.append(f"Longest without a change: {duration(time)}, {how}.")
    if most := occasions(week):
        said.append(f"Mostly leaning: {'; '.join(most)}.")
    if seen.believable is not None:
        said.append(f"{seen.believable} % of the pictures with somebody were judged.")
    return said
