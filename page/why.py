"""Why nothing is coming: the first broken link from camera to page. Pure rules."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from page.arrivals import AWAY, REFUSED, UNKNOWN
from page.words import gettext as _

LISTENED = 20.0
"""Seconds without a picture after which a camera that is due counts as silent."""

ANALYZED = 40.0
"""Seconds after which a picture should have become a row."""

State = Literal["works", "broken", "unknown"]


@dataclass(frozen=True)
class Facts:
    """What the page knows; spans are seconds, times aware."""

    broker: str
    """What is wrong with it, in one word; empty: nothing."""
    due: bool
    """Each camera is later than usual, or none is known."""
    listened: float
    """How long the page has listened for pictures."""
    may_listen: bool
    picture: datetime | None
    """When a picture came last, of any camera."""
    waits: float | None
    """Since when pictures come and no row; None: none has come without one."""
    refused: bool
    """A worker has refused messages since then."""
    analyzed: datetime | None
    """When a worker was seen last: its last row, or its last refusal."""
    node: str
    row: datetime | None
    """When the last row's picture came."""
    database: bool | None
    """Whether it answers; None: not known yet."""


@dataclass(frozen=True)
class Link:
    """One part of the way, and what to do when it is broken."""

    name: str
    state: State
    last: datetime | None = None
    """When it was seen to work; None: not known, or no matter of time."""
    words: str = ""
    """What is wrong, in a sentence."""
    remedy: str = ""


def links(facts: Facts) -> list[Link]:
    """All parts of the way, in the order in which a picture takes it."""
    before = [_broker(facts), _cameras(facts)]
    after = [_worker(facts), _rows(facts)]
    if first_broken(before):  # nothing comes to them, so nothing can be said of them
        after = [
            each if each.state == "broken" else replace(each, state="unknown")
            for each in after
        ]
    return [*before, *after, _database(facts)]


def first_broken(chain: list[Link]) -> Link | None:
    """Where the way ends, None while no part is known to be broken."""
    return next((each for each in chain if each.state == "broken"), None)


def stalled(facts: Facts) -> bool:
    """Whether pictures come and no worker makes rows of them."""
    return _unanswered(facts) and bool(facts.database)


def _unanswered(facts: Facts) -> bool:
    return facts.waits is not None and facts.waits >= ANALYZED


def _broker(facts: Facts) -> Link:
    name = _("Broker")
    if not facts.broker:
        return Link(name, "works")
    if facts.broker == UNKNOWN:
        return Link(name, "unknown")
    if facts.broker == REFUSED:
        words = _("The broker, which passes pictures on, does not let this page in.")
        remedy = _(
            "Set MQTT_USER and MQTT_PASSWORD of this page; its log has the broker's "
            "words."
        )
    else:
        words = _("The broker, which passes pictures on, does not answer.")
        start, anew = _("Start the broker."), _("Start the broker anew.")
        how = start if facts.broker == AWAY else anew
        check = _("If it runs, check MQTT_HOST and MQTT_PORT of this page.")
        remedy = f"{how} {check}"
    return Link(name, "broken", words=words, remedy=remedy)


def _cameras(facts: Facts) -> Link:
    name = _("Last picture of any camera")
    if not facts.due:
        return Link(name, "works", facts.picture)
    if facts.broker or not facts.may_listen or facts.listened < LISTENED:
        return Link(name, "unknown", facts.picture)
    first = _("No camera has sent a picture yet.")
    ended = _("No camera sends pictures any more.")
    words = first if facts.picture is None else ended
    remedy = _(
        "Outside of working hours nothing is wrong. Else look whether the cameras have "
        "power and network, are not paused, and send to this broker."
    )
    return Link(name, "broken", facts.picture, words, remedy)


def _worker(facts: Facts) -> Link:
    name = _("Worker last seen")
    name += f" ({facts.node})" if facts.node else ""
    if not facts.database:
        return Link(name, "unknown", facts.analyzed)
    if not facts.may_listen and facts.due:
        return Link(name, "unknown", facts.analyzed)
    if not _unanswered(facts) or facts.refused:
        return Link(name, "works" if facts.analyzed else "unknown", facts.analyzed)
    words = _("Pictures come, and no worker analyzes them.")
    remedy = _(
        "Start the worker; if one runs, start it anew. Its log says what it waits for. "
        "In a cluster, Jobs on the page System says why none is started."
    )
    return Link(name, "broken", facts.analyzed, words, remedy)


def _rows(facts: Facts) -> Link:
    name = _("Last row")
    if not facts.database:
        return Link(name, "unknown", facts.row)
    if not (_unanswered(facts) and facts.refused):
        return Link(name, "works" if facts.row else "unknown", facts.row)
    words = _("Pictures come, and the worker refuses them: none becomes a result.")
    remedy = _("Refused messages, on the page System, says why each was refused.")
    return Link(name, "broken", facts.row, words, remedy)


def _database(facts: Facts) -> Link:
    name = _("Database")
    if facts.database is None:
        return Link(name, "unknown")
    if facts.database:
        return Link(name, "works")
    words = _("The database, which keeps the results, does not answer.")
    remedy = _(
        "Start the database. If it runs, check SUPABASE_HOST, SUPABASE_USER and the "
        "rights of this page; its log has the database's words."
    )
    return Link(name, "broken", words=words, remedy=remedy)
