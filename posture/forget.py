"""All that is kept of one camera: counted, and deleted."""

import argparse
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from common.errors import OperatorError
from common.picture_topics import is_safe, safe_name
from posture.results import home_assistant
from posture.results.publish import forget_results
from posture.settings import ForgetSettings
from posture.store import baselines, cameras, kept_files
from posture.store.audit import AuditLog
from posture.store.cameras import UnknownCameraError
from posture.store.kept_files import Period
from posture.store.kept_rows import KeptRows
from posture.store.own_files import camera_folders
from posture.store.posture_log import PostureLog
from posture.store.retention import Deleted, forget


def check_kept(settings: ForgetSettings, pi: str) -> None:
    """Make sure that there is, or was, something of this camera.

    Raises:
        UnknownCameraError: there never was; names cameras like it.
    """
    ask = PostureLog(settings.database).ask
    folders = {name for _, name in camera_folders(settings.pictures)}
    if pi in folders or kept_files.any_refused(settings.quarantine, pi):
        return
    if not cameras.has_row(ask, pi) and not baselines.any_of(ask, pi):
        raise UnknownCameraError(pi, {*folders, *cameras.cameras_with_rows(ask)})


def forget_camera(
    settings: ForgetSettings,
    pi: str,
    period: Period,
    *,
    dry_run: bool = False,
    by: str = "command",
) -> Deleted:
    """Delete what is kept of a camera from that time, or only count it.

    With results published, the newest one at the broker goes if it is of this time.
    Where an audit log is set it gets a line, with `by`, also of a failure.

    Raises:
        OperatorError: something could not be deleted, and is there still.
    """
    if settings.audit_log is None or dry_run:
        return _forget(settings, pi, period, dry_run=dry_run)
    said = f"{period.since.isoformat()} to {period.until.isoformat()}"
    result = "interrupted"
    with closing(AuditLog(settings.audit_log)) as audit:
        try:
            deleted = _forget(settings, pi, period, dry_run=False)
        except (OperatorError, OSError) as error:
            result = f"not all deleted: {error}"
            raise
        else:
            result = f"deleted: {deleted}"
            return deleted
        finally:
            audit.add(pi=pi, by=by, period=said, result=result)


def _forget(
    settings: ForgetSettings, pi: str, period: Period, *, dry_run: bool
) -> Deleted:
    table = PostureLog(settings.database)
    rows = KeptRows(table)
    of_camera = baselines.forget(table.ask, pi, period, dry_run=True)  # may it?
    deleted = forget(rows, settings, pi, period, dry_run=dry_run)
    if not dry_run:
        of_camera = baselines.forget(table.ask, pi, period, dry_run=False)
    deleted = replace(deleted, baselines=of_camera)
    if settings.results.publish and not rows.any_since(pi, period.until):
        return replace(deleted, topics=_topics(settings, pi, dry_run=dry_run))
    return deleted


def _topics(settings: ForgetSettings, pi: str, *, dry_run: bool) -> int:
    if dry_run:
        return 2 + len(home_assistant.topics(settings.results, pi))
    return forget_results(settings.broker, settings.results, pi)


def camera_name(text: str) -> str:
    """Read a camera's name as its rows have it.

    Raises:
        ArgumentTypeError: no row can have it.
    """
    if not is_safe(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is in no row; pictures of the topic images/{text} are of "
            f"{safe_name(text)}"
        )
    return text


def moment(text: str) -> datetime:
    """Read a time, aware; without a zone it is UTC.

    Raises:
        ArgumentTypeError: it is none.
    """
    if text == "now":
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 2026-11-25, 2026-11-25T14:30 or now; "
            "times without a zone are UTC"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
