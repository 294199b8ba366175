"""Who plays the batches: this thread, threads, or a Dask cluster, all by one interface
(`concurrent.futures.Executor`).

The compiled loop holds no GIL, so threads use all cores. A cluster is given by its scheduler's address. The
figures are the same bits wherever they are played: a job says everything that it depends on, results are
added up in the order of the jobs, and a cluster whose programs are not this one's is refused.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

J = TypeVar("J")
R = TypeVar("R")

RETRIES = 3
"""so often a job is begun again when it fails on a cluster, or the machine under it is gone"""
ANSWERS_WITHIN_S = 10.0
_LOOK_S = 0.5
"""so often a connection is looked after while a job is waited for"""
_CONNECTED = "running"
"""status of Dask's client while its scheduler answers"""
AHEAD = 4
"""jobs handed over for each thread at one time: enough to keep all busy, few enough to stop soon"""


class ClusterFailed(RuntimeError):
    """The cluster can't play: nobody answers, it runs another program, or its machines are gone."""


class Pool:
    """Plays jobs by an executor: `simulator.study.Workers`."""

    def __init__(self, executor: Executor, ahead: int) -> None:
        self._executor = executor
        self._ahead = ahead

    def map(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]:
        """The results in the order of the jobs; at most ``ahead`` are handed over before theirs is taken.

        Whoever stops listening, or the first job that fails, takes back those that have not begun.
        """
        waiting: deque[Future[R]] = deque()
        left = iter(jobs)
        try:
            for job in left:
                waiting.append(self._executor.submit(function, job))
                if len(waiting) >= self._ahead:
                    break
            while waiting:
                result = self._result(waiting.popleft())
                waiting.extend(self._executor.submit(function, job) for job in _one(left))
                yield result
        finally:
            for future in waiting:
                future.cancel()

    def _result(self, future: Future[R]) -> R:
        return future.result()


def _one(left: Iterator[J]) -> Iterable[J]:
    for job in left:
        return (job,)
    return ()


@contextmanager
def workers(of: int | str | None = None) -> Iterator[Pool | None]:
    """Whoever is meant by ``--workers``: a number of threads, a scheduler's address, ``None``: a thread for
    each core.

    One thread is this one: then there is nobody, and `simulator.study` plays by itself.
    """
    if isinstance(of, str) and not of.isdecimal():
        with dask(of) as pool:
            yield pool
        return
    count = usable_cores() if of is None else int(of)
    if count < 1:
        raise ValueError(f"workers: {count} play nothing: give 1 or more, or a scheduler's address")
    if count == 1:
        yield None
        return
    with threads(count) as pool:
        yield pool


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def threads(count: int) -> Iterator[Pool]:
    """So many threads of this process."""
    with ThreadPoolExecutor(count, "simulator") as executor:
        yield Pool(executor, count * AHEAD)


@contextmanager
def dask(address: str, *, answers_within_s: float = ANSWERS_WITHIN_S) -> Iterator[Pool]:
    """The Dask cluster whose scheduler has this address (``tcp://host:8786``). Its machines have to have this
    program installed.

    A job whose machine dies is played again by another, a few times. Raises `ClusterFailed`, `place: fault:
    remedy`.
    """
    try:
        from distributed import Client
    except ImportError as gone:
        raise ClusterFailed("workers: dask is not installed here: pip install 'hotline[cluster]'") from gone
    try:
        connect: Any = Client
        client = connect(address, timeout=answers_within_s, set_as_default=False)
    except (OSError, ValueError, TypeError) as fault:
        raise ClusterFailed(
            f"workers: {address}: no Dask scheduler answers there: start one (dask scheduler) or mend the address"
        ) from fault
    try:
        cores = _same_program(client, address)
        with _Jobs(client) as executor:
            yield _Cluster(executor, max(cores, 1) * AHEAD, client, address, answers_within_s)
    finally:
        client.close(timeout=answers_within_s)


class _Jobs(Executor):
    """A cluster's jobs as `concurrent.futures` has them.

    Dask's own executor asks whether a job is finished after it has fetched the result: when the machine that
    played it dies in between, it takes the result for an error, and one that fails when it is played again is
    never answered. What is fetched counts here, whatever happens to the job afterwards.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._waiting: set[Future[Any]] = set()

    def submit(self, function: Callable[..., R], /, *args: Any, **named: Any) -> Future[R]:
        job = self._client.submit(function, *args, pure=False, retries=RETRIES, **named)
        # What fetches holds the job until then: Dask forgets one that nobody holds.
        fetched = self._client.gather(job, asynchronous=True)
        future: Future[R] = asyncio.run_coroutine_threadsafe(fetched, self._client.loop.asyncio_loop)
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nobody wants the jobs any more: they are cancelled, and not waited for."""
        for future in tuple(self._waiting):
            future.cancel()


class _Cluster(Pool):
    def __init__(
        self, executor: Executor, ahead: int, client: Any, address: str, answers_within_s: float
    ) -> None:
        super().__init__(executor, ahead)
        self._client = client
        self._address = address
        self._patience_s = answers_within_s

    def _result(self, future: Future[R]) -> R:
        # A job that was handed over just when the scheduler died is never answered and never cancelled: so the
        # connection is looked after here.
        lost_since: float | None = None
        while True:
            try:
                return future.result(timeout=_LOOK_S)
            except TimeoutError:
                if future.done():
                    raise
            now = monotonic()
            if self._client.status == _CONNECTED:
                lost_since = None
            elif lost_since is None:
                lost_since = now
            elif now - lost_since > self._patience_s:
                raise self._gone()

    def _gone(self) -> ClusterFailed:
        return ClusterFailed(
            f"workers: {self._address}: the scheduler is gone: start it again, and the study anew"
        )

    def map(self, function: Callable[[J], R], jobs: Sequence[J]) -> Iterator[R]:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            yield from super().map(function, jobs)
        except KilledWorker as gone:
            raise ClusterFailed(
                f"workers: {self._address}: every machine that began a job died over it: look at their logs"
            ) from gone
        except (CancelledError, FutureCancelledError, OSError) as gone:
            raise self._gone() from gone


def _same_program(client: Any, address: str) -> int:
    """How many jobs the cluster plays at a time. Raises `ClusterFailed` when it has nobody, or runs another
    program than this one.
    """
    threads_of = client.nthreads()
    if not threads_of:
        raise ClusterFailed(
            f"workers: {address}: the scheduler has no workers: start some (dask worker {address})"
        )
    ours = fingerprint()
    try:
        theirs = client.run(fingerprint)
    except Exception as fault:  # whatever their interpreter raises when the program is not there
        raise ClusterFailed(f"workers: {address}: this program is not installed there: install it") from fault
    others = sorted(name for name, print_ in theirs.items() if print_ != ours)
    if others:
        raise ClusterFailed(
            f"workers: {others[0]} runs another version of this program: install this one on all, or figures differ"
        )
    return sum(threads_of.values())


def fingerprint() -> str:
    """A word for everything that a replication's figures come from: the sources of the core packages."""
    root = Path(__file__).resolve().parents[1]
    said = sha256()
    for package in ("acd", "dialplans", "ivr", "simulator", "trunks"):
        for path in sorted((root / package).rglob("*.py")):
            said.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return said.hexdigest()
