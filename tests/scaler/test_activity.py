"""When a Job is wanted for the sake of pictures."""

import random

import pytest

from scaler.activity import Demand, Jobs

FRESH = 15.0
JOB = frozenset({"job"})
NONE = frozenset()


class Story:
    """A demand that is told what happens, second by second."""

    def __init__(self, *, now=0.0):
        self.now = now
        self.demand = Demand(now, FRESH)
        self.see()

    def see(self, unfinished=NONE, complete=NONE):
        self.demand.see(Jobs(self.now, unfinished, complete))

    def at(self, now):
        self.now = now
        return self

    def picture(self):
        self.demand.sign(self.now)

    def waiting(self, workers=1):
        return self.demand.waiting(self.now, workers)

    def after_a_drained_start(self):
        """Past the Job that looks after what nobody saw."""
        self.at(1).see(JOB)
        self.at(60).see(JOB)
        self.at(61).see(NONE, JOB)
        self.at(100).see(NONE, JOB)
        return self


def test_a_worker_has_to_look_once_after_the_scaler_starts():
    story = Story()
    assert story.at(500).waiting()
    story.at(501).see(JOB)
    story.at(560).see(JOB)
    story.at(561).see(NONE, JOB)
    assert not story.waiting()
    assert not story.at(100_000).waiting()


def test_nothing_waits_after_an_idle_worker_has_ended():
    story = Story().after_a_drained_start()
    assert not story.waiting()


def test_a_picture_wakes_at_once_and_until_a_job_exists():
    story = Story().after_a_drained_start()
    story.at(200).picture()
    assert story.waiting()
    assert story.at(900).waiting()


def test_an_older_picture_asks_for_no_second_job_while_one_runs():
    story = Story().after_a_drained_start()
    story.at(200).picture()
    story.at(201).see({"new"}, JOB)
    assert story.waiting()
    assert not story.at(200 + FRESH).waiting()


def test_the_end_of_the_job_cannot_be_overtaken_by_an_old_reading():
    """KEDA sees that the Job has ended before we do: it must not start another."""
    story = Story().after_a_drained_start()
    story.at(200).picture()
    story.at(201).see({"new"}, JOB)
    story.at(259).see({"new"}, JOB)
    story.at(260)  # it has ended, but is unfinished in our last reading
    assert not story.waiting()
    story.see(NONE, {"new", *JOB})
    assert not story.waiting()


def test_a_picture_too_late_for_the_ending_worker_wakes_another():
    story = Story().after_a_drained_start()
    story.at(200).picture()
    story.at(201).see({"new"}, JOB)
    story.at(258).see({"new"}, JOB)
    story.at(259).picture()
    story.at(260).see(NONE, {"new", *JOB})
    assert story.at(500).waiting()


def test_a_picture_just_before_the_last_reading_may_have_been_too_late_too():
    story = Story().after_a_drained_start()
    story.at(200).see({"new"}, JOB)
    story.at(257).picture()
    story.at(258).see({"new"}, JOB)
    story.at(260).see(NONE, {"new", *JOB})
    assert story.at(500).waiting()


@pytest.mark.parametrize("how", ["failed", "deleted"])
def test_a_worker_that_ended_before_its_work_was_done_is_replaced(how):
    story = Story().after_a_drained_start()
    story.at(200).picture()
    story.at(201).see({"new"}, JOB)
    story.at(300).see({"new"}, JOB)
    assert not story.waiting()
    story.at(302).see(NONE, JOB)
    assert story.at(303).waiting()
    assert story.at(900).waiting()


def test_a_finished_job_that_is_cleaned_up_wakes_nobody():
    story = Story().after_a_drained_start()
    story.at(400).see(NONE, NONE)
    assert not story.waiting()


def test_with_two_workers_one_that_ends_idle_is_not_replaced():
    story = Story().after_a_drained_start()
    story.at(200).picture()
    story.at(201).see({"a", "b"}, JOB)
    story.at(280).see({"a", "b"}, JOB)
    story.at(281).see({"a"}, {"b", *JOB})
    assert not story.waiting(2)


def test_with_two_workers_one_that_fails_is_replaced():
    story = Story().after_a_drained_start()
    story.at(200).picture()
    story.at(201).see({"a", "b"}, JOB)
    story.at(281).see({"a"}, JOB)
    assert story.at(400).waiting(2)
    story.at(401).see({"a", "c"}, JOB)
    assert not story.at(420).waiting(2)


def test_with_two_workers_one_that_fails_after_the_other_ended_idle_is_replaced():
    story = Story().after_a_drained_start()
    story.at(200).picture()
    story.at(201).see({"a", "b"}, JOB)
    story.at(280).see({"a", "b"}, JOB)
    story.at(281).see({"a"}, {"b", *JOB})
    assert not story.waiting(2)
    story.at(300).see(NONE, {"b", *JOB})
    assert story.at(301).waiting(2)


class Day:
    """A day of bursts, a worker that ends when idle, and a KEDA that polls.

    The worker takes a second for a picture. Our readings of the Jobs are up to two
    seconds old, KEDA's are not: the worst case for the number.
    """

    IDLE, READ, POLL = 60, 2, 10

    def __init__(self, seed):
        self.chance = random.Random(seed)  # noqa: S311 - a simulation
        self.story = Story()
        self.arrivals = self.bursts()
        self.session, self.idle, self.done = 0, 0, 0
        self.job, self.complete, self.created, self.for_nothing = None, set(), 0, 0
        self.longest_wait, self.waited = 0, 0

    def bursts(self):
        times = set()
        for _ in range(40):
            begin = self.chance.randrange(0, 80_000)
            times.update(begin + n for n in range(self.chance.randrange(1, 400)))
        # And single pictures, often just when a worker is about to end.
        times.update(self.chance.randrange(0, 80_000) for _ in range(400))
        return times

    def second(self, now):
        self.story.at(now)
        if now in self.arrivals:
            self.session += 1
            self.story.picture()
        self.work()
        if now % self.READ == 0:
            unfinished = frozenset([self.job] if self.job else [])
            self.story.see(unfinished, frozenset(self.complete))
        if now % self.POLL == 3 and self.story.waiting() and not self.job:
            self.created += 1
            self.job, self.idle, self.done = f"job-{self.created}", 0, 0
        self.waited = self.waited + 1 if self.session and not self.job else 0
        self.longest_wait = max(self.longest_wait, self.waited)

    def work(self):
        if self.job and self.session:
            self.session, self.idle, self.done = self.session - 1, 0, self.done + 1
        elif self.job:
            self.idle += 1
            if self.idle > self.IDLE:
                self.complete.add(self.job)
                self.for_nothing += self.done == 0
                self.job = None


@pytest.mark.parametrize("seed", range(5))
def test_over_a_day_no_picture_waits_for_long_and_no_job_exists_for_nothing(seed):
    day = Day(seed)
    for now in range(86_400):
        day.second(now)
    assert day.created > 40
    assert day.session == 0
    assert day.longest_wait <= day.POLL
    # One may look in vain, after what came before the scaler started.
    assert day.for_nothing <= 1
