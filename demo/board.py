"""The table of results in the terminal: live on a screen, line by line into a file."""

from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from posture.vision.verdict import Status

_COLOURS: dict[str, str] = {
    Status.GOOD: "green",
    Status.BAD: "red",
    Status.PARTIAL: "yellow",
}
_LINE = "{pi:10} {picture:40} {status:28} {neck:>5} {body:>5} {ms:>7}"


@dataclass(frozen=True)
class Line:
    """One picture's result: angles in degrees, milliseconds from received to done."""

    pi: str
    picture: str
    status: str
    neck: int | None
    body: int | None
    milliseconds: float

    @property
    def cells(self) -> dict[str, str]:
        """What the columns show."""
        return {
            "pi": self.pi,
            "picture": self.picture,
            "status": self.status,
            "neck": "-" if self.neck is None else f"{self.neck}°",
            "body": "-" if self.body is None else f"{self.body}°",
            "ms": f"{self.milliseconds:.0f}",
        }


class Board:
    """Shows the newest results; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: deque[Line] = deque(maxlen=max(5, console.height - 14))
        self._live = (
            Live(console=console, auto_refresh=False) if console.is_terminal else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        else:
            heads = {
                name: name for name in ("pi", "picture", "status", "neck", "body", "ms")
            }
            self._print(_LINE.format(**heads))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def add(self, line: Line) -> None:
        """Show one more result."""
        self._lines.append(line)
        if self._live:
            self._live.update(self._table(), refresh=True)
        else:
            self._print(_LINE.format(**line.cells))

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table("Pi", "Picture", "Status")
        for name in ("Neck", "Body", "ms"):
            table.add_column(name, justify="right")
        for line in self._lines:
            pi, picture, status, *numbers = line.cells.values()
            # Text, not str: names come from topics, and must not be read as markup.
            coloured = Text(status, style=_COLOURS.get(status, "dim"))
            table.add_row(Text(pi), Text(picture), coloured, *numbers)
        return table
