"""Sends the sample pictures, and shows every row as it comes."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from common.errors import OperatorError
from common.publisher import Publisher
from demo.board import Board, Line
from demo.database import Database
from demo.processes import Program

_PIS = ("pi1", "pi2")
_PATIENCE = 60  # seconds for one sample picture
_TICK = 0.05


class Session:
    """The rows that come in after the start, and the files that belong to them."""

    def __init__(
        self, database: Database, worker: Program, pictures: Path, board: Board
    ) -> None:
        self._database = database
        self._worker = worker
        self._pictures = pictures
        self._board = board
        self._last = database.newest_id()

    def show_samples(self, publisher: Publisher, samples: Iterable[Path]) -> int:
        """Publish each sample, and wait for its row and its file; gives their number.

        Each camera sends its next picture when the last one has its row, so that rows
        and samples can be told to belong together.

        Raises:
            OperatorError: a sample has no row or no file; names it.
        """
        waiting = list(samples)
        sent: dict[str, Path] = {}
        count = 0
        until = time.monotonic() + _PATIENCE
        while waiting or sent:
            for pi in _PIS:
                if waiting and pi not in sent:
                    sent[pi] = waiting.pop(0)
                    publisher.publish(f"images/{pi}", sent[pi].read_bytes())
            for row in self.wait_for_rows():
                sample = sent.pop(row["pi_id"], None)
                self.show(row, sample.name if sample else None)
                count += sample is not None
                until = time.monotonic() + _PATIENCE
            if time.monotonic() > until:
                raise OperatorError(
                    f"no row for {', '.join(p.name for p in sent.values())} after "
                    f"{_PATIENCE} s; see the worker's log"
                )
        publisher.finish()
        return count

    def wait_for_rows(self) -> list[dict[str, Any]]:
        """The new rows, after a moment.

        Raises:
            OperatorError: the worker has ended.
        """
        time.sleep(_TICK)
        self._worker.check()
        rows = self._database.rows_after(self._last)
        if rows:
            self._last = rows[-1]["id"]
        return rows

    def show(self, row: Mapping[str, Any], name: str | None = None) -> None:
        """Show a row under the picture's own name, if it is known.

        Raises:
            OperatorError: the row has no file.
        """
        pi, file = row["pi_id"], row["filename"]
        if not (self._pictures / f"analyzed_images_from_{pi}" / file).is_file():
            raise OperatorError(f"{file} has a row, but no file in {self._pictures}")
        spent = row["analyzed_time"] - row["received_time"]
        self._board.add(
            Line(
                pi,
                name or file,
                row["posture_status"],
                row["neck_angle"],
                row["body_angle"],
                spent.total_seconds() * 1000,
            )
        )
