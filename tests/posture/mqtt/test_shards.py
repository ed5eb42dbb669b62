from collections import Counter

import pytest

from common.options import SettingsError
from posture.mqtt.shards import Slot, slots
from posture.settings import WorkerSettings
from tests.fixtures.settings import settings_from

DATABASE = {
    "SUPABASE_HOST": "h",
    "SUPABASE_DB": "d",
    "SUPABASE_USER": "u",
    "SUPABASE_PASSWORD": "p",
}


def owners(count: int, topic: str, payload: bytes) -> list[int]:
    return [each.index for each in slots(count) if each.owns(topic, payload)]


def test_every_message_has_exactly_one_owner_and_the_shares_are_about_equal():
    found = [owners(3, f"images/pi{n % 7}", b"frame %d" % n) for n in range(3000)]
    assert all(len(each) == 1 for each in found)
    shares = Counter(each[0] for each in found)
    assert all(900 < share < 1100 for share in shares.values())


def test_the_owner_stays_the_same_in_every_process():
    # A rule that changed with the process (as `hash` does) would lose pictures.
    assert owners(5, "images/pi1", b"frame") == [1]


def test_a_worker_on_its_own_owns_everything_under_the_plain_name():
    assert Slot(0, 1).owns("images/büro", b"")
    assert Slot(0, 1).client_id("posture") == "posture"
    assert [each.client_id("posture") for each in slots(2)] == [
        "posture-0of2",
        "posture-1of2",
    ]


@pytest.mark.parametrize("slot", [{}, {"JOB_COMPLETION_INDEX": "2"}])
def test_one_of_several_workers_must_know_which_one_it_is(slot):
    with pytest.raises(SettingsError, match="expected a number from 0 to 1"):
        settings_from(WorkerSettings, DATABASE | {"WORKERS": "2"} | slot)


def test_an_index_without_several_workers_changes_nothing():
    environ = DATABASE | {"JOB_COMPLETION_INDEX": "3"}
    assert settings_from(WorkerSettings, environ).session_id == "posture-analyzer"
