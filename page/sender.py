"""What the page says at the broker: pictures from the browser, and pauses."""

import logging
import re

from common.errors import OperatorError
from common.options import SettingsError
from common.picture_topics import PictureTopics
from common.publisher import Publisher, PublishError
from page.words import gettext as _
from posture.errors import RefusedError
from posture.settings import BrokerSettings

log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATIENCE = 10  # seconds that the broker may stay silent


class Sender:
    """Checks pictures and publishes them; connected from the first picture on.

    One at a time: a large picture takes hundreds of megabytes to decode.
    """

    def __init__(
        self, settings: BrokerSettings, topics: PictureTopics, limit: int
    ) -> None:
        """Refuse files of more than `limit` bytes."""
        self.limit = limit
        self._settings = settings
        self._topics = topics
        self._publisher: Publisher | None = None

    def send(self, camera: str, file: bytes) -> None:
        """Publish a picture as one of `camera`, and wait until the broker has it.

        Raises:
            OperatorError: the name or the picture is refused, or the broker is away.
        """
        if not _NAME.fullmatch(camera):
            raise OperatorError(
                _(
                    "The camera's name may have letters, digits, dots, dashes and "
                    "underscores, 64 at most."
                )
            )
        try:
            topic = self._topics.of(camera)
        except SettingsError as error:
            raise OperatorError(
                _("The picture was not sent: %(why)s.") % {"why": error}
            ) from error
        _check(file, self.limit)
        self._publish(topic, file)

    def keep(self, topic: str, text: str) -> None:
        """Have the broker keep a text under a topic, over a connection of its own.

        Raises:
            OperatorError: the broker is away or does not want it.
        """
        try:
            with Publisher(self._settings, _PATIENCE) as publisher:
                publisher.send(topic, text.encode(), retain=True)
                publisher.finish()
        except PublishError as error:
            log.warning("%s was not published: %s", topic, error)
            raise OperatorError(
                _("The broker did not take it. Try again in a moment.")
            ) from error

    def close(self) -> None:
        """Disconnect."""
        publisher, self._publisher = self._publisher, None
        if publisher:
            publisher.__exit__(None, None, None)

    def _publish(self, topic: str, file: bytes) -> None:
        try:
            if self._publisher is None:
                self._publisher = Publisher(self._settings, _PATIENCE).__enter__()
            self._publisher.publish(topic, file)
            self._publisher.finish()
        except PublishError as error:
            self.close()
            raise OperatorError(
                _("The picture was not sent: %(why)s.") % {"why": error}
            ) from error


def _check(file: bytes, limit: int) -> None:
    # OpenCV and NumPy are a third of a page's start, and of its memory: loaded for who
    # sends a picture.
    from posture.vision.payload import decode_image, decode_payload

    try:
        image_file = decode_payload(file, limit)
        decode_image(image_file)
    except RefusedError as error:
        raise OperatorError(
            _(
                "Not a picture that can be analyzed: %(why)s. JPEG, PNG, WebP, BMP "
                "and TIFF can."
            )
            % {"why": error}
        ) from error
