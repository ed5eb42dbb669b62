"""Why nothing comes: each link from camera to row, and the first one that is broken.

Listens at the broker for a while, and changes nothing. Exit codes: 0 no link is broken,
1 one is, 2 wrong settings.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from common import cli, options
from common.broker_settings import BrokerSettings
from common.database_settings import DatabaseSettings
from common.options import same, section
from common.picture_topics import PictureTopics
from posture.store.settings import QuarantineSettings

if TYPE_CHECKING:
    from page.arrivals import Arrivals
    from page.rows import Rows, StoredRow
    from page.why import Facts, Link

_RECENT = timedelta(minutes=1)  # a row this new needs no listening
_LOOK = 1.0  # seconds between looks
_MARKS = {"works": "ok", "broken": "BROKEN", "unknown": "?"}


@dataclass(frozen=True)
class WhySettings:
    """The way from a camera to a row."""

    broker: BrokerSettings = section(BrokerSettings)
    database: DatabaseSettings = section(DatabaseSettings)
    topics: PictureTopics = section(PictureTopics)
    quarantine: Path = same(QuarantineSettings, "quarantine")


def main(argv: list[str] | None = None) -> int:
    """Look at each link, and print them."""
    parser = cli.parser(__doc__)
    options.add_arguments(parser, WhySettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), cli.print_error)


def _run(arguments: argparse.Namespace) -> int:
    from page.why import first_broken, links

    settings = cli.read(WhySettings, arguments)
    chain = links(_found_out(settings))
    for link in chain:
        _show(link)
    broken = first_broken(chain)
    if broken is None:
        print("no link is known to be broken")  # noqa: T201 - what was asked for
        return 0
    print(f"\n{broken.words}\n{broken.remedy}")  # noqa: T201
    return 1


def _show(link: "Link") -> None:
    last = f"  {link.last.astimezone():%Y-%m-%d %H:%M:%S}" if link.last else ""
    print(f"  {_MARKS[link.state]:<7} {link.name}{last}")  # noqa: T201


def _found_out(settings: WhySettings) -> "Facts":
    """What there is to know, after listening where that is needed."""
    from page.arrivals import Arrivals
    from page.rows import Rows

    rows = Rows(settings.database)
    before = _newest(rows)
    arrivals = Arrivals(settings.broker, settings.topics)
    begun = datetime.now(UTC)
    arrivals.start()
    try:
        recent = before is not None and _is_recent(before)
        if not recent:
            _listen(arrivals, rows, before)
        else:
            _await_answer(arrivals)
        return _facts(settings, arrivals, rows, begun, due=not recent)
    finally:
        arrivals.stop()


def _newest(rows: "Rows") -> "StoredRow | None":
    from page.rows import DatabaseAwayError

    try:
        return next(iter(rows.rows("ORDER BY id DESC LIMIT 1")), None)
    except DatabaseAwayError:
        return None


def _answers(rows: "Rows") -> bool:
    from page.rows import DatabaseAwayError

    try:
        rows.newest_id()
    except DatabaseAwayError:
        return False
    return True


def _is_recent(row: "StoredRow") -> bool:
    return (
        row.received_time is not None
        and datetime.now(UTC) - row.received_time < _RECENT
    )


def _await_answer(arrivals: "Arrivals") -> None:
    from page.arrivals import UNKNOWN

    while arrivals.trouble == UNKNOWN:
        time.sleep(_LOOK / 10)


def _listen(arrivals: "Arrivals", rows: "Rows", before: "StoredRow | None") -> None:
    """Until a row comes, or it is clear where the way ends."""
    from page.arrivals import UNKNOWN
    from page.why import ANALYZED, LISTENED

    cli.print_error(f"no row is new: listening for pictures, for {LISTENED:.0f} s ...")
    until = time.monotonic() + LISTENED + _LOOK
    while time.monotonic() < until and not arrivals.forbidden:
        arrivals.look(wanted=True)
        time.sleep(_LOOK)
        if arrivals.trouble == UNKNOWN or not (arrivals.trouble or arrivals.listened):
            until += _LOOK  # the broker has not answered yet
        elif arrivals.trouble:
            return
        if (heard := arrivals.waits_since) is not None:
            until = max(until, heard + ANALYZED + _LOOK)
            if _came(rows, before):
                arrivals.waits_since = None
                return


def _came(rows: "Rows", before: "StoredRow | None") -> bool:
    newest = _newest(rows)
    return newest is not None and (before is None or newest.id > before.id)


def _facts(
    settings: WhySettings,
    arrivals: "Arrivals",
    rows: "Rows",
    begun: datetime,
    *,
    due: bool,
) -> "Facts":
    from page.files import newest_note
    from page.why import Facts

    row, clock = _newest(rows), time.monotonic()
    heard = max(arrivals.heard.values(), default=None)
    came = (
        None if heard is None else datetime.now(UTC) - timedelta(seconds=clock - heard)
    )
    note = newest_note(settings.quarantine)
    since = arrivals.waits_since
    received = row.received_time if row else None
    return Facts(
        broker=arrivals.trouble,
        due=due and came is None,
        listened=arrivals.listened,
        may_listen=not arrivals.forbidden,
        picture=_latest(received, came),
        waits=None if since is None else clock - since,
        refused=note is not None and note > begun,
        analyzed=_latest(row.analyzed_time if row else None, note),
        node=row.processed_by if row else "",
        row=received,
        database=_answers(rows),
    )


def _latest(*times: datetime | None) -> datetime | None:
    return max(filter(None, times), default=None)
