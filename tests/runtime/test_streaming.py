"""Many at a time, and yet as if it were one after the other."""

import threading
import time
from contextlib import closing

import numpy as np
import pytest

from nimblepose.runtime import streaming
from nimblepose.runtime.streaming import Allowance, map_in_order

WORKERS = pytest.mark.parametrize("workers", [1, 2, 5])


def ours():
    return [thread for thread in threading.enumerate() if thread.name.startswith("nimblepose")]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert ours() == []


def slow_at_first(item):
    """Later items are done before earlier ones."""
    time.sleep(0.02 if item % 3 == 0 else 0)
    return item * 10


@WORKERS
@pytest.mark.parametrize("count", [0, 1, 4, 17])
def test_results_come_in_order(workers, count):
    assert list(map_in_order(slow_at_first, range(count), workers=workers)) == [10 * i for i in range(count)]


@WORKERS
def test_at_most_workers_and_one_are_under_way(workers):
    taken, received = 0, 0

    def source():
        nonlocal taken
        for i in range(30):
            taken += 1
            yield i

    for _ in map_in_order(slow_at_first, source(), workers=workers):
        received += 1
        assert taken - received <= workers
    assert received == 30


def test_an_endless_source_is_no_trouble():
    def source():
        i = 0
        while True:
            yield (i := i + 1)

    with closing(map_in_order(slow_at_first, source(), workers=2)) as results:
        assert [next(results) for _ in range(5)] == [10, 20, 30, 40, 50]


def test_it_really_works_side_by_side():
    """Two items that wait for each other are both done; one after the other they would wait forever."""
    barrier = threading.Barrier(2, timeout=20)
    assert sorted(map_in_order(lambda _: barrier.wait(), range(2), workers=2)) == [0, 1]


def test_items_are_taken_in_the_callers_thread():
    def source():
        yield threading.current_thread()

    (taker,) = map_in_order(lambda thread: thread, source(), workers=2)
    assert taker is threading.current_thread()


@WORKERS
def test_an_exception_of_the_function_comes_in_its_turn_and_ends_it(workers):
    started = []

    def fails_at_5(item):
        started.append(item)
        if item == 5:
            raise ValueError("five")
        return slow_at_first(item)

    results, seen = map_in_order(fails_at_5, range(100), workers=workers), []
    with pytest.raises(ValueError, match="five"):
        seen.extend(results)  # what came before is kept
    assert seen == [0, 10, 20, 30, 40]
    assert len(started) <= 5 + workers + 1
    assert list(results) == []


@WORKERS
def test_an_exception_of_the_source_comes_after_the_results_before_it(workers):
    def source():
        yield from range(4)
        raise OSError("cable pulled")

    seen = []
    with pytest.raises(OSError, match="cable pulled"):
        seen.extend(map_in_order(slow_at_first, source(), workers=workers))
    assert seen == [0, 10, 20, 30]


def test_of_two_exceptions_the_first_comes():
    def source():
        yield from range(2)
        raise OSError("second")

    def fails_at_1(item):
        if item == 1:
            raise ValueError("first")
        return item

    seen = []
    with pytest.raises(ValueError, match="first"):
        seen.extend(map_in_order(fails_at_1, source(), workers=3))
    assert seen == [0]


@WORKERS
def test_stopping_early_starts_nothing_further(workers):
    started = []

    def noted(item):
        started.append(item)
        return item

    results = map_in_order(noted, range(1000), workers=workers)
    assert [next(results), next(results)] == [0, 1]
    results.close()
    assert ours() == []
    assert len(started) <= 2 + workers


@pytest.mark.parametrize("end", ["close", "exception of the function", "exhausted"])
def test_a_source_that_nobody_else_holds_is_closed(end):
    closed = threading.Event()

    def source():
        try:
            yield from range(10)
        finally:
            closed.set()

    def function(item):
        if end.startswith("exception") and item == 2:
            raise ArithmeticError
        return item

    results = map_in_order(function, source(), workers=2)
    if end == "close":
        next(results)
        results.close()
    elif end == "exhausted":
        assert len(list(results)) == 10
    else:
        with pytest.raises(ArithmeticError):
            list(results)
    del results
    assert closed.is_set()


def test_a_result_that_was_given_away_is_not_held():
    """Memory stays bounded however long the stream: only what is under way is kept."""
    import weakref

    class Result:
        pass

    kept = []
    for result in map_in_order(lambda _: Result(), range(20), workers=2):
        kept.append(weakref.ref(result))
        del result
        assert sum(one() is not None for one in kept) <= 1


def test_arrays_under_way_are_bounded_in_bytes():
    """A few of them whatever the number of threads; one that is larger is alone; others count for nothing."""
    alive, most = 0, []

    def arrays(sizes):
        nonlocal alive
        for size in sizes:
            alive += size
            most.append(alive)
            yield np.zeros(size, np.uint8)

    for workers, bound, expected in ((8, 100, 130), (8, None, 290), (2, 1000, 120)):
        alive, most = 0, []
        for size in map_in_order(len, arrays([30] * 12), workers=workers, most_bytes=bound):
            alive -= size
        assert max(most) <= expected, (workers, bound)
        assert alive == 0
    alone = list(map_in_order(len, arrays([500, 30, 500]), workers=4, most_bytes=100))
    assert alone == [500, 30, 500]
    assert list(map_in_order(lambda x: x, ["a", "b", "c"], workers=2, most_bytes=1)) == ["a", "b", "c"]


# Memory that threads share -------------------------------------------------------------------------------------------


def peak_of(amounts, total):
    """The most that was ever taken together, by a thread for each amount."""
    allowance, lock, taken, peak = Allowance(total), threading.Lock(), 0, 0

    def work(amount):
        nonlocal taken, peak
        with allowance.taken() as take:
            take(amount)
            with lock:
                taken, peak = taken + amount, max(peak, taken + amount)
            time.sleep(0.002)
            with lock:
                taken -= amount

    assert len(list(map_in_order(work, amounts, workers=len(amounts)))) == len(amounts)
    return peak


def test_no_more_is_taken_than_there_is():
    assert peak_of([3] * 12, 10) <= 9


def test_who_needs_more_than_there_is_gets_it_alone():
    assert peak_of([100, 3, 3, 100, 3], 10) == 100


def test_what_is_there_is_taken_side_by_side():
    allowance, both = Allowance(10), threading.Barrier(2, timeout=20)

    def work(amount):
        with allowance.taken() as take:
            take(amount)
            both.wait()

    list(map_in_order(work, [5, 5], workers=2))


def test_what_fails_gives_back():
    allowance = Allowance(10)

    def fail():
        with allowance.taken() as take:
            take(10)
            raise ValueError("x")

    for _ in range(3):
        with pytest.raises(ValueError, match="x"):
            fail()
    with allowance.taken():  # nothing is taken, nothing is given back
        pass
    with allowance.taken() as take:
        take(10)


@pytest.mark.parametrize(("asked", "taken"), [(0, 0), (1, 1), (16, 16), (17, 2), (1000, 2)])
def test_threads_out_of_all_proportion_are_as_many_as_cores_and_it_is_said(monkeypatch, caplog, asked, taken):
    monkeypatch.setattr(streaming, "count_usable_cores", lambda: 2)
    assert streaming.limit_threads(asked) == taken
    assert ("1000 threads were asked for, but 2 cores" in caplog.text) == (asked == 1000)
    monkeypatch.setattr(streaming, "count_usable_cores", lambda: 64)
    assert streaming.limit_threads(100) == 100
