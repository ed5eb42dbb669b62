"""The one door to Apprise: mail, chats and many other services."""

import logging

import apprise

from common.errors import OperatorError
from nudge.patience import Nudge
from nudge.settings import NudgeSettings, scheme_of

_PATIENCE = 10  # seconds that a service may stay silent
_DELIVERED = (apprise.AppriseResultStatus.SUCCESS, apprise.AppriseResultStatus.PARTIAL)


class Services:
    """Apprise, with the addresses for all cameras and for single ones."""

    def __init__(self, settings: NudgeSettings) -> None:
        """Read the addresses.

        Raises:
            OperatorError: one is none that Apprise understands.
        """
        # Its own messages may show an address with its key.
        logging.getLogger("apprise").disabled = True
        self._all = apprise.Apprise()
        self._cameras: dict[str, apprise.Apprise] = {}
        for number, (camera, url) in enumerate(settings.urls, start=1):
            known = self._all if camera is None else self._of(camera)
            if not known.add(url):
                raise OperatorError(
                    f"NUDGE_URLS: Apprise does not understand address {number}, which "
                    f"begins with {scheme_of(url)}"
                )

    def _of(self, camera: str) -> apprise.Apprise:
        return self._cameras.setdefault(camera, apprise.Apprise())

    def send(self, nudge: Nudge) -> bool:
        """Tell those of this camera and those of all; False: there are none.

        Raises:
            OperatorError: no service took it.
        """
        services = [self._cameras.get(nudge.pi), self._all]
        told = [
            each.notify(nudge.text, nudge.title, timeout=_PATIENCE).status
            for each in services
            if each
        ]
        if told and not any(status in _DELIVERED for status in told):
            names = ", ".join(sorted({str(status.name) for status in told}))
            raise OperatorError(
                f"no service of NUDGE_URLS took the nudge for {nudge.pi}: {names}; "
                "`apprise -v` with the same address says more"
            )
        return bool(told)
