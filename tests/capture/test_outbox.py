"""Pictures that wait for the broker."""

from capture.outbox import Outbox, Waiting


def test_the_oldest_go_first_when_there_are_too_many_bytes():
    box = Outbox(100)
    for name in "abcd":
        box.put(Waiting(name, b"x" * 40))
    assert [box.take().topic, box.take().topic] == ["c", "d"]
    assert (box.dropped, box.size) == (2, 0)


def test_one_that_is_larger_than_the_limit_still_waits():
    box = Outbox(10)
    box.put(Waiting("a", b"x" * 40))
    assert len(box) == 1


def test_a_closed_one_gives_nothing_more():
    box = Outbox(10)
    box.put(Waiting("a", b"x"))
    box.close()
    assert box.take() is None
