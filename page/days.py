"""The page that shows a camera's day."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from common.errors import OperatorError
from page import history, timeline
from page.history import Wish
from page.kept import calibrated_of
from page.parts import Page
from page.timeline import BIN, HIGHEST, WIDTH, Bin
from page.words import gettext as _
from posture.vision.advice import short
from posture.vision.verdict import BODY_LIMIT, NECK_LIMIT, Status

_WORKING = time(7), time(19)
_WHOLE = "all"  # hours that are asked for instead
_MARKS = 4  # parts into which the axis is divided
_SEEN = tuple(each for each in Status if each != Status.NONE)


async def camera(page: Page, request: Request) -> Response:
    """One camera's day: its working hours, or all of it if asked for or alone there."""
    pi, zone = request.query_params.get("pi", ""), page.settings.zone
    now = datetime.now(UTC)
    try:
        asked = request.query_params.get("day", "")
        begin, end = history.read_day(asked, zone, now)
    except OperatorError as error:
        return page.show(request, "wrong.html", 400, reason=str(error))
    day = (begin + timedelta(hours=12)).astimezone(zone).date()
    bins = await to_thread.run_sync(history.day, page.rows, pi, begin, end)
    if not bins and not page.board.knows(pi):
        return page.show_unknown(request, pi)
    first, last = _working(day, zone, (begin, end))
    shown = _within(bins, begin, first, last)
    # Who works at night finds the night.
    whole = request.query_params.get("hours") == _WHOLE or not shown
    if whole:
        first, last, shown = begin, end, bins
    kinds: Counter[str] = sum((each.kinds for each in shown), Counter())
    reasons = await to_thread.run_sync(history.reasons, page.rows, pi, first, last)
    newest = await to_thread.run_sync(
        history.find, page.rows, Wish(pi=pi), history.LAST
    )
    calibrated = await to_thread.run_sync(calibrated_of, page.rows, pi)
    limits = calibrated.baseline.limits if calibrated else (NECK_LIMIT, BODY_LIMIT)
    today = now.astimezone(zone).date()
    return page.show(
        request,
        "camera.html",
        pi=pi,
        tiles=page.board.tiles([pi]),
        day=day,
        today=today,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < today else None,
        whole=whole,
        marks=_marks(first, last),
        begin=(first - begin).total_seconds() / BIN * WIDTH,
        width=(last - first).total_seconds() / BIN * WIDTH,
        boxes=timeline.boxes(shown),
        spots=timeline.spots(shown, begin),
        neck=timeline.curve(shown, "neck"),
        body=timeline.curve(shown, "body"),
        limits=dict(zip(("neck", "body"), limits, strict=True)),
        calibrated=calibrated,
        highest=HIGHEST,
        hours=timeline.hours(shown, begin),
        seen=_SEEN,
        kinds=kinds,
        reasons=[(short(reason, _), count) for reason, count in reasons.most_common()],
        advice=history.advice_on(pi, newest),
        good=timeline.share_good(kinds),
    )


def _working(
    day: date, zone: tzinfo | None, whole: tuple[datetime, datetime]
) -> tuple[datetime, datetime]:
    """The working hours of a day by the clock there; all of it where clocks end."""
    try:
        first, last = (
            history.local(datetime.combine(day, each), zone) for each in _WORKING
        )
    except (OverflowError, OSError):
        return whole
    return first, last


def _within(
    bins: Sequence[Bin], begin: datetime, first: datetime, last: datetime
) -> list[Bin]:
    low, high = (
        (each - begin).total_seconds() / timeline.BIN for each in (first, last)
    )
    return [each for each in bins if low <= each.number < high]


def _marks(first: datetime, last: datetime) -> list[datetime]:
    return [first + (last - first) * n / _MARKS for n in range(_MARKS + 1)]
