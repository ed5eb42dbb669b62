"""The matrix in the documentation is written by one command."""

from tests.brokers.matrix import PAGE, with_line
from tests.brokers.servers import SERVERS

LINE = "| HiveMQ CE 2031.1 | 1/0 | the same number | 2031-01-01 |"


def test_a_broker_has_one_line_whatever_its_version():
    page = PAGE.read_text()
    once = with_line(page, "HiveMQ CE", LINE)
    assert LINE in once
    assert once.count("| HiveMQ CE 20") == 1
    assert with_line(once, "HiveMQ CE", LINE) == once
    assert with_line(page, "New", "| New 1 |").count("\n") == page.count("\n") + 1


def test_every_broker_that_is_tried_is_in_the_documentation():
    page = PAGE.read_text()
    assert [each for each in SERVERS.values() if f"| {each.name}" not in page] == []
