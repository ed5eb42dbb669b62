"""Publish picture files as cameras would: to images/<pi>, at QoS 1.

PICTURE is a file, a folder (its JPEG and PNG files) or a pattern such as 'day1/*.jpg'.
The pictures go to the Pis in turn. Exit codes: 0 the broker has acknowledged every
picture, 1 it has not, 2 wrong settings or no such pictures.
"""

import argparse
import glob
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common import cli, options
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.options import decimal, integer, option, section
from common.picture_topics import PictureTopics
from common.publisher import Publisher

_SUFFIXES = {".jpg", ".jpeg", ".png"}


def _pis(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names) or any(set(name) & set("#+\0") for name in names):
        raise ValueError("names of Pis, with commas between them, without # and +")
    return names


@dataclass(frozen=True)
class PublishSettings:
    """What the command line and the environment say."""

    broker: BrokerSettings = section(BrokerSettings)
    pis: list[str] = option(
        "PIS", "--pi", "names of the Pis, as pi1,pi2", default="pi1", parse=_pis
    )
    topics: PictureTopics = section(PictureTopics)
    rate: float = option(
        "RATE",
        "--rate",
        "pictures a second over all Pis; 0: as fast as the broker takes them",
        default="0",
        parse=decimal(0, 10_000),
    )
    repeat: int = option(
        "REPEAT",
        "--repeat",
        "how often to publish all pictures; 0: until Ctrl-C",
        default="1",
        parse=integer(0, 1_000_000),
    )


def main(argv: list[str] | None = None) -> int:
    """Publish what the command line names."""
    parser = cli.parser(__doc__)
    parser.add_argument("pictures", nargs="+", metavar="PICTURE")
    options.add_arguments(parser, PublishSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), _say)


def _run(arguments: argparse.Namespace) -> int:
    settings = cli.read(PublishSettings, arguments)
    try:
        files = find_pictures(arguments.pictures)
    except FileNotFoundError as error:
        raise options.SettingsError([str(error)]) from None
    try:
        return _publish(files, settings)
    except OSError as error:
        raise OperatorError(str(error)) from error


def find_pictures(named: list[str]) -> list[Path]:
    """The picture files that files, folders and patterns name, in their order.

    Raises:
        FileNotFoundError: one of them names no picture.
    """
    found: list[Path] = []
    for each in named:
        path = Path(each)
        if path.is_dir():
            paths = [p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES]
        elif path.is_file():
            paths = [path]
        else:
            paths = [p for p in map(Path, glob.glob(each)) if p.is_file()]  # noqa: PTH207 - absolute patterns too
        if not paths:
            raise FileNotFoundError(
                f"{each}: no picture there; give a .jpg or .png file, a folder with "
                "some, or a quoted pattern such as 'day1/*.jpg'"
            )
        found += sorted(paths)
    return found


def _publish(files: list[Path], settings: PublishSettings) -> int:
    total = len(files) * settings.repeat or None
    topics = {pi: settings.topics.of(pi) for pi in settings.pis}
    begun = time.monotonic()
    with Publisher(settings.broker) as publisher:
        try:
            for number, (pi, path) in enumerate(_in_turn(files, settings)):
                _wait_for_turn(begun, number, settings.rate)
                publisher.publish(topics[pi], path.read_bytes())
                _show_progress(publisher.acknowledged, total)
        except KeyboardInterrupt:
            pass  # what is on its way is waited for
        publisher.finish()
        _show_progress(publisher.acknowledged, total)
    _report(publisher, time.monotonic() - begun)
    return 0


def _in_turn(
    files: list[Path], settings: PublishSettings
) -> Iterator[tuple[str, Path]]:
    rounds = range(settings.repeat) if settings.repeat else itertools.count()
    pis = itertools.cycle(settings.pis)
    for _ in rounds:
        for path in files:
            yield next(pis), path


def _wait_for_turn(begun: float, number: int, rate: float) -> None:
    if rate:
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))


def _show_progress(count: int, total: int | None) -> None:
    """One line that is written anew, for who looks on; a log gets none of it."""
    if sys.stderr.isatty():
        of = f" of {total}" if total else ""
        print(f"\rpublishing: {count}{of} ", end="", file=sys.stderr, flush=True)  # noqa: T201


def _say(text: str) -> None:
    start = "\n" if sys.stderr.isatty() else ""
    print(f"{start}{text}", file=sys.stderr)  # noqa: T201 - this is what the user reads


def _report(publisher: Publisher, seconds: float) -> None:
    count = publisher.acknowledged
    _say(
        f"{count} pictures acknowledged in {seconds:.1f} s "
        f"({count / max(seconds, 1e-9):.1f} a second)"
    )
    if publisher.unheard:
        _say(
            f"{publisher.unheard} of them had no subscriber and are gone: start the "
            "worker first, once, so that its session collects pictures from then on"
        )


if __name__ == "__main__":
    raise SystemExit(main())
