"""One small program for each primitive that a thread can wait at for ever."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple


class Stuck(NamedTuple):
    """A program that deadlocks, and what its report says of it."""

    setup: Callable[[], Any]
    workers: list[Callable[[Any], Any]]
    says: list[str]  # of each thread that waits: its source line, and what is in brackets


class Desk:
    def __init__(self) -> None:
        self.left = threading.Lock()
        self.right = threading.RLock()
        self.turn = threading.Condition()
        self.ready = threading.Event()
        self.seats = threading.Semaphore(1)
        self.gate = threading.Barrier(2)
        self.jobs: queue.Queue[int] = queue.Queue(1)
        self.mail: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.answer: Future[int] = Future()
        self.threads: list[threading.Thread] = []


def left_first(desk: Desk) -> None:
    with desk.left:
        with desk.right:
            pass


def right_first(desk: Desk) -> None:
    with desk.right:
        with desk.left:
            pass


def one_line(desk: Desk) -> None:
    one, other = desk.left, desk.right
    with one, other:
        pass


def one_line_turned(desk: Desk) -> None:
    one, other = desk.left, desk.right
    with other, one:
        pass


def await_turn(desk: Desk) -> None:
    with desk.turn:
        desk.turn.wait()


def await_ready(desk: Desk) -> None:
    desk.ready.wait()


def sit_down_twice(desk: Desk) -> None:
    desk.seats.acquire()
    desk.seats.acquire()


def pass_alone(desk: Desk) -> None:
    desk.gate.wait()


def get_job(desk: Desk) -> None:
    desk.jobs.get()


def put_jobs(desk: Desk) -> None:
    jobs = desk.jobs
    for job in range(2):
        jobs.put(job)


def join_jobs(desk: Desk) -> None:
    desk.jobs.put(1)
    desk.jobs.join()


def get_mail(desk: Desk) -> None:
    desk.mail.get()


def await_answer(desk: Desk) -> None:
    desk.answer.result()


def join_each_other(desk: Desk) -> None:
    def join(number: int) -> None:
        started.wait()
        desk.threads[number].join()

    started = threading.Event()
    desk.threads = [
        threading.Thread(target=join, args=(1,), name="alice"),
        threading.Thread(target=join, args=(0,), name="bob"),
    ]
    for thread in desk.threads:
        thread.start()
    started.set()


def submit_to_itself(desk: Desk) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: pool.submit(int).result()).result()


LOCKS = Stuck(
    Desk,
    [left_first, right_first],
    [
        "37: with desk.right:  (taken by right_first at line 42)",
        "43: with desk.left:  (taken by left_first at line 36)",
    ],
)
LOCKS_IN_ONE_LINE = Stuck(
    Desk,
    [one_line, one_line_turned],
    [
        "49: with one, other:  (other, taken by one_line_turned at line 55)",
        "55: with other, one:  (one, taken by one_line at line 49)",
    ],
)
CONDITION = Stuck(Desk, [await_turn], ["61: desk.turn.wait()  (to be notified)"])
EVENT = Stuck(Desk, [await_ready], ["65: desk.ready.wait()  (for the event to be set)"])
SEMAPHORE = Stuck(Desk, [sit_down_twice], ["70: desk.seats.acquire()  (for a release)"])
BARRIER = Stuck(Desk, [pass_alone], ["74: desk.gate.wait()  (for the others to arrive)"])
QUEUE_GET = Stuck(Desk, [get_job], ["78: desk.jobs.get()  (for an item)"])
QUEUE_PUT = Stuck(Desk, [put_jobs], ["84: jobs.put(job)  (for room)"])
QUEUE_JOIN = Stuck(Desk, [join_jobs], ["89: desk.jobs.join()  (for task_done())"])
SIMPLE_QUEUE = Stuck(Desk, [get_mail], ["93: desk.mail.get()  (for a queue that stays empty)"])
FUTURE = Stuck(Desk, [await_answer], ["97: desk.answer.result()  (for the result)"])
JOIN = Stuck(
    Desk,
    [join_each_other],
    [
        "103: desk.threads[number].join()  (for the end of bob)",
        "103: desk.threads[number].join()  (for the end of alice)",
    ],
)
POOL = Stuck(Desk, [submit_to_itself], ["(to be woken up)", "(to be woken up)"])
