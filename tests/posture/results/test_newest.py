"""Which document is told to the broker, and when."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from posture.results.newest import CAMERAS, Newest
from posture.results.payload import Document

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def at(seconds: float, name: str = "a.jpg") -> Document:
    return Document(NOW + timedelta(seconds=seconds), name, f"{seconds}".encode())


def sent(newest: Newest, now: float = 0.0) -> list[Document]:
    return [document for _, document in newest.due(now)]


def test_a_document_is_sent_once_while_its_echo_is_awaited():
    newest = Newest()
    newest.offer("pi1", at(0), NOW)
    assert sent(newest) == [at(0)]
    assert sent(newest, 9) == []
    assert sent(newest, 11) == [at(0)]
    newest.heard("pi1", at(0), NOW)
    assert sent(newest, 30) == []
    assert newest.all_told()


def test_a_newer_one_waits_for_the_echo_of_the_last():
    newest = Newest()
    newest.offer("pi1", at(0), NOW)
    assert sent(newest) == [at(0)]
    newest.offer("pi1", at(1), NOW)
    assert sent(newest, 1) == []
    newest.heard("pi1", at(0), NOW)
    assert sent(newest, 1) == [at(1)]


def test_a_new_connection_sends_what_the_last_one_may_have_lost():
    newest = Newest()
    newest.offer("pi1", at(0), NOW)
    assert sent(newest) == [at(0)]
    newest.restart()
    assert sent(newest, 1) == [at(0)]


def test_a_clock_that_was_put_back_does_not_silence_a_camera():
    newest = Newest()
    newest.offer("pi1", at(3600), NOW + timedelta(hours=1))
    newest.offer("pi1", at(0), NOW)
    assert sent(newest) == [at(0)]


def test_nothing_brings_a_forgotten_document_back():
    newest = Newest()
    newest.offer("pi1", at(0), NOW)
    newest.heard("pi1", at(0), NOW)
    newest.forget("pi1")
    newest.heard("pi1", at(-1), NOW)
    assert sent(newest) == []


def test_no_more_cameras_are_remembered_than_the_limit():
    newest = Newest()
    for number in range(CAMERAS + 500):
        newest.offer(f"pi{number}", at(0), NOW)
        newest.heard(f"stranger{number}", at(0), NOW)
    found = [pi for pi, _ in newest.due(0)]
    assert len(found) <= CAMERAS
    assert found[-1] == f"pi{CAMERAS + 499}"


class House:
    """Workers, and what any broker does: one order for all, the last message stays.

    Stands in for a real broker because the order of events is to be chosen.
    """

    def __init__(self, workers: int) -> None:
        self.workers = [Newest() for _ in range(workers)]
        self.queues: list[list[Document]] = [[] for _ in range(workers)]
        self.offered: list[Document] = []
        self.kept: Document | None = None

    def offer(self, number: int, second: int) -> None:
        self.offered.append(at(second - 10, f"{number}.jpg"))
        self.workers[number].offer("pi1", self.offered[-1], NOW)

    def send(self, number: int, _second: int = 0) -> None:
        for document in sent(self.workers[number]):
            self.kept = document
            for queue in self.queues:
                queue.append(document)

    def hear(self, number: int, _second: int = 0) -> None:
        if self.queues[number]:
            self.workers[number].heard("pi1", self.queues[number].pop(0), NOW)

    def settle(self) -> None:
        for _ in range(1000):
            if not any(self.queues) and all(each.all_told() for each in self.workers):
                return
            for number in range(len(self.workers)):
                self.send(number)
                self.hear(number)
        raise AssertionError("they answer each other for ever")


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([House.offer, House.send, House.hear]),
        st.integers(0, 2),
        st.integers(0, 9),
    ),
    max_size=60,
)


@given(EVENTS)
def test_the_newest_of_all_workers_stays_whatever_the_order_of_events(events):
    house = House(3)
    for what, number, second in events:
        what(house, number, second)
    house.settle()
    assert house.kept == max(house.offered, default=None)
