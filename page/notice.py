"""What every page says at its foot: what is measured, kept and seen, and by whom."""

from datetime import datetime, tzinfo

from page.settings import PageSettings
from page.words import gettext as _
from page.words import ngettext


def notice(settings: PageSettings) -> list[str]:
    """The parts of the line, as the settings really are."""
    return [
        _("Measured here: two angles, of neck and body"),
        *_kept(settings),
        _seen_by(settings),
        _pause(settings),
        _("times: %(zone)s") % {"zone": zone_name(settings.zone)},
    ]


def _kept(settings: PageSettings) -> list[str]:
    pictures = {
        "none": _("no pictures are kept"),
        "skeleton": _("pictures of lines only, without faces"),
        "blurred": _("pictures without faces"),
        "full": _("whole pictures, with faces"),
    }[settings.store]
    kept = [_("figures kept %(how_long)s") % {"how_long": _long(settings.row_days)}]
    if settings.store == "none":
        return [pictures, *kept]
    how_long = _long(settings.picture_days)
    return [
        _("%(pictures)s, kept %(how_long)s")
        % {"pictures": pictures, "how_long": how_long},
        *kept,
    ]


def _pause(settings: PageSettings) -> str:
    if settings.desk.secret:
        return _("pause: cover the camera, or use the link of your desk")
    return _("pause: cover the camera, or ask whoever runs this")


def _long(days: int | None) -> str:
    if days is None:
        return _("until somebody deletes them")
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}


def _seen_by(settings: PageSettings) -> str:
    if settings.password_hash:
        return _("seen by whoever has this page's password")
    return _("seen by whoever sits at this computer")


def zone_name(zone: tzinfo | None) -> str:
    """The zone that times are shown in: its own name, or this machine's."""
    return str(zone or datetime.now().astimezone().tzname())
