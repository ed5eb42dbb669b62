"""What the page's scripts say: they get these words with the page."""

from page.words import gettext as _


def script_words() -> dict[str, str]:
    """Each by the name that `word()` of words.js knows it by."""
    return {
        "cut": _(
            "The page's server does not answer. What you see is the last that was "
            "known; the page goes on by itself."
        ),
        "ahead": _("clock %(number)s s ahead"),
        "now": _("now"),
        "seconds": _("%(number)s s ago"),
        "minutes": _("%(number)s min ago"),
        "hours": _("%(number)s h ago"),
        "days": _("%(number)s days ago"),
        "too-large": _("Too large: more than %(number)s MB. Send a smaller picture."),
        "not-taken": _("The page's server did not take it. Try again."),
        "sending": _("Sending %(name)s ..."),
        "no-camera": _(
            "The browser grants its camera only to https, and to this machine itself."
        ),
        "not-granted": _("The browser does not grant its camera: %(why)s."),
        "start": _("Start the camera"),
        "stop": _("Stop the camera"),
    }
