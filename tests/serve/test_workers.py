"""Threads take jobs in order; who leaves is not worked for; who is one too many is told so."""

import asyncio
import threading

import pytest

from nimblepose.serve.workers import QueueFullError, Workers


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_jobs_are_done_in_order_and_errors_belong_to_who_asked():
    async def ask():
        workers, order = Workers(1, 10), []
        try:
            done = await asyncio.gather(*(workers.do(lambda n=n: order.append(n) or n) for n in range(5)))
            with pytest.raises(ZeroDivisionError):
                await workers.do(lambda: 1 / 0)
            assert (await workers.do(lambda: 7)).value == 7
        finally:
            workers.close()
        return [one.value for one in done], order

    assert run(ask()) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])


def test_one_too_many_is_refused_and_room_is_found_again():
    async def ask():
        workers, may_go = Workers(2, 1), threading.Event()
        tasks = [asyncio.ensure_future(workers.do(may_go.wait)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert (workers.busy, workers.waiting) == (2, 1)
        with pytest.raises(QueueFullError):
            await workers.do(int)
        may_go.set()
        await asyncio.gather(*tasks)
        assert (await workers.do(int)).value == 0
        workers.close()
        with pytest.raises(QueueFullError):
            await workers.do(int)

    run(ask())


def test_who_leaves_while_waiting_is_never_worked_for():
    async def ask():
        workers, may_go, done = Workers(1, 2), threading.Event(), []
        first = asyncio.ensure_future(workers.do(may_go.wait))
        second = asyncio.ensure_future(workers.do(lambda: done.append("second")))
        third = asyncio.ensure_future(workers.do(lambda: done.append("third")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0)
        assert workers.waiting == 1, "its place is free at once"
        may_go.set()
        await asyncio.gather(first, third)
        workers.close()
        return done

    assert run(ask()) == ["third"]


def test_many_threads_lose_nothing():
    async def ask():
        workers = Workers(4, 1000)
        done = await asyncio.gather(*(workers.do(lambda n=n: n * n) for n in range(500)))
        workers.close()
        return [one.value for one in done]

    assert run(ask()) == [n * n for n in range(500)]
