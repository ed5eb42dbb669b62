"""A camera: takes pictures at an interval and publishes them to images/<pi> at QoS 1.

Runs for good beside the camera; a broker or a camera that is away is waited for.
Pictures that the broker has not taken yet are kept in memory, never on this disk.

Exit codes: 0 ended as asked, 1 with --once or --save no picture was taken or sent, 2
wrong settings.
"""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from capture.settings import CameraSettings
from common import cli, options
from common.errors import OperatorError
from common.signals import Stop, on_stop_signals

if TYPE_CHECKING:
    from capture.sources.source import Source

log = logging.getLogger("camera")


def main(argv: list[str] | None = None) -> int:
    """Take pictures until stopped."""
    parser = cli.parser(__doc__)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--once", action="store_true", help="send one picture and end")
    only.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write one picture to FILE, to see where the camera looks, and end",
    )
    options.add_arguments(parser, CameraSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), log.error)


def _run(arguments: argparse.Namespace) -> int:
    settings = cli.read(CameraSettings, arguments)
    cli.log_to_stderr(settings.log_level)
    # Imported here so that --help and wrong settings answer at once.
    from capture.sources.opened import open_source

    stop = Stop()
    on_stop_signals(stop.set)
    source = open_source(settings.source)
    try:
        if arguments.save:
            return _save(source, arguments.save)
        if arguments.once:
            return _send_one(settings, source)
        return _go_on(settings, source, stop)
    finally:
        source.close()


def _save(source: "Source", path: Path) -> int:
    file = source.picture()
    try:
        path.write_bytes(file)
    except OSError as error:
        raise OperatorError(f"cannot write {path}: {error.strerror}") from error
    log.info("%s: %d bytes", path, len(file))
    return 0


def _send_one(settings: CameraSettings, source: "Source") -> int:
    from common.publisher import Publisher

    file = source.picture()
    with Publisher(settings.broker) as publisher:
        publisher.publish(settings.topic, file)
        publisher.finish()
    unheard = "; nobody has subscribed: start the worker once" * bool(publisher.unheard)
    log.info("%s: %d bytes%s", settings.topic, len(file), unheard)
    return 0


def _go_on(settings: CameraSettings, source: "Source", stop: Stop) -> int:
    from capture.camera import Camera
    from capture.link import Link
    from capture.outbox import Outbox

    outbox = Outbox(settings.buffer * 1_000_000)
    camera = Camera(settings, source, outbox)
    link = Link(settings, outbox, lambda text: camera.pause(text, link.keep_pause))
    link.start()
    log.info("a picture every %g s to %s", settings.interval, settings.topic)
    camera.run(link.tell, stop)
    left = link.stop()
    log.info("stopped%s", f"; {left} pictures were not taken" if left else "")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
