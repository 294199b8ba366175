"""The same figures, to the bit, whoever plays: this thread, threads, a real Dask cluster, one whose machines die."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client

from simulator.scenario import Scenario
from simulator.study import Aim, Figures, Study, pursue, simulate
from simulator.sweep_live import ClusterFailed, Pool, dask, threads, usable_cores, workers
from tests.simulator.towns import pool

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


def town() -> Scenario:
    return pool(1_500.0, 6, days=1, seed=5)


def same(one: Figures, other: Figures) -> bool:
    """Every figure and every count, to the last bit."""
    outcomes = all(
        np.array_equal(getattr(one.outcome, f.name), getattr(other.outcome, f.name))
        for f in fields(one.outcome)
    )
    bands = all(
        np.array_equal(getattr(a, side), getattr(b, side))
        for a, b in ((one.by_half_hour.answer_rate, other.by_half_hour.answer_rate),)
        for side in ("mean", "low", "high")
    )
    totals = (one.answer_rate, one.service_level, one.asa, one.occupancy, one.days, one.calls)
    return outcomes and bands and totals == (
        other.answer_rate, other.service_level, other.asa, other.occupancy, other.days, other.calls,
    )  # fmt: skip


# ── a real scheduler and real workers, each a process ────────────────────────────────────────────────────────


class Process:
    """A process of Dask's; it is ended with the test, whatever becomes of it."""

    def __init__(self, module: str, *arguments: str, folder: Path, ready: str, path: Path = ROOT) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DASK")}
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            cwd=folder,
            env=clean | {"PYTHONPATH": str(path), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._ready = threading.Event()
        self._word = ready
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(PATIENCE_S) or self._word not in "".join(self.said):
            self.end()
            raise AssertionError("".join(self.said))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if self._word in line:
                self._ready.set()
        self._ready.set()

    def kill(self) -> None:
        """As when the machine is switched off: it and whatever it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def end(self) -> None:
        if self.process.poll() is None:
            self.kill()
        self._reader.join(PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


class Cluster:
    """A scheduler on this machine, and as many workers as are asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        arguments = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-jupyter")
        self.scheduler = self._start(
            Process("dask_scheduler", *arguments, folder=folder, ready="Scheduler at")
        )

    def work(self, path: Path = ROOT) -> Process:
        arguments = (self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        space = ("--local-directory", str(self._folder))
        ready = "Registered to"
        return self._start(
            Process("dask_worker", *arguments, *space, folder=self._folder, ready=ready, path=path)
        )

    def _start(self, process: Process) -> Process:
        self._stack.callback(process.end)
        return process


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


# ── the promises ─────────────────────────────────────────────────────────────────────────────────────────────


def test_threads_give_the_bits_of_one_thread() -> None:
    alone = simulate(town(), days=40)
    with threads(3) as crew:
        together = simulate(town(), days=40, workers=crew)
    assert same(alone, together)


def test_a_study_that_ends_by_itself_ends_at_the_same_day_on_threads() -> None:
    aim = Aim(target=None, width=0.003)
    alone = simulate(town(), aim=aim)
    with threads(2) as crew:
        together = simulate(town(), aim=aim, workers=crew)
    assert alone.looks > 1
    assert same(alone, together)


def test_a_dask_cluster_gives_the_bits_of_one_thread_and_a_machine_that_dies_changes_nothing(
    cluster: Cluster,
) -> None:
    alone = simulate(town(), days=240)
    cluster.work()
    mortal = cluster.work()
    told: list[int] = []

    def progress(done: int, expected: int) -> None:
        told.append(done)
        assert done <= expected
        if len(told) == 5:
            mortal.kill()

    with workers(cluster.address) as crew:
        assert crew is not None
        together = simulate(town(), days=240, workers=crew, progress=progress)
    assert mortal.process.returncode == -signal.SIGKILL
    assert same(alone, together)
    assert told == sorted(told)
    assert told[-1] == 240


def test_a_result_that_is_here_counts_though_the_machine_that_played_it_dies_in_that_moment(
    cluster: Cluster,
) -> None:
    cluster.work()
    with dask(cluster.address) as crew:
        client = crew._client  # type: ignore[attr-defined]
        fetch = client._gather

        async def fetch_and_lose(*args: Any, **named: Any) -> Any:
            result = await fetch(*args, **named)
            for job in client.futures.values():
                job.lose()  # what Dask does when it hears that the only machine with the result is gone
            return result

        client._gather = fetch_and_lose
        assert list(crew.map(abs, range(-20, 0))) == list(range(20, 0, -1))


def test_a_job_that_fails_when_another_machine_plays_it_again_says_so(
    cluster: Cluster, tmp_path: Path
) -> None:
    def once(played: Path) -> str:
        if played.exists():
            raise ValueError("this was played before")
        played.write_text(str(os.getpid()), encoding="utf-8")
        return "played"

    machines = [cluster.work(), cluster.work()]
    with dask(cluster.address) as crew:
        client = crew._client  # type: ignore[attr-defined]
        fetch = client._gather_remote

        async def fetch_too_late(*args: Any) -> Any:
            at_work = int((tmp_path / "played").read_text(encoding="utf-8"))
            for machine in machines:
                if machine.process.pid == at_work:
                    machine.kill()
            return await fetch(*args)

        client._gather_remote = fetch_too_late
        with pytest.raises(ValueError, match="this was played before"):
            list(crew.map(once, [tmp_path / "played"]))
    assert [machine.process.poll() for machine in machines].count(-signal.SIGKILL) == 1


def test_several_options_share_a_cluster(cluster: Cluster) -> None:
    cluster.work()
    options = [Study(town().with_seats(seats), days=16) for seats in (5, 6, 7)]
    with dask(cluster.address) as crew:
        pursue(options, workers=crew)
    alone = [simulate(town(), days=16, seats=seats) for seats in (5, 6, 7)]
    assert [same(study.figures(), figures) for study, figures in zip(options, alone, strict=True)] == [
        True
    ] * 3


def test_an_address_where_no_scheduler_answers_is_named() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    refused = pytest.raises(ClusterFailed, match=rf"workers: {address}: no Dask scheduler answers")
    with refused, dask(address, answers_within_s=1.0):
        raise AssertionError("nobody answers there")


def test_a_scheduler_without_workers_is_named(cluster: Cluster) -> None:
    with pytest.raises(ClusterFailed, match="has no workers"), dask(cluster.address):
        raise AssertionError("nobody plays there")


def test_a_scheduler_that_dies_in_the_middle_is_named_and_nobody_waits_for_ever(cluster: Cluster) -> None:
    cluster.work()

    def progress(done: int, expected: int) -> None:
        if done == 8:
            cluster.scheduler.kill()

    gone = pytest.raises(ClusterFailed, match="the scheduler is gone")
    with gone, dask(cluster.address, answers_within_s=3.0) as crew:
        simulate(town(), days=4_000, workers=crew, progress=progress)


def test_the_command_says_in_one_line_that_the_scheduler_died(cluster: Cluster) -> None:
    cluster.work()
    study = ("simulate", "zhengzhou", "--days", "40000", "--workers", cluster.address)
    with subprocess.Popen(
        [sys.executable, "-m", "hotline.cli", *study], stderr=subprocess.PIPE, text=True
    ) as command:
        try:
            with Client(cluster.address, set_as_default=False) as looker:  # type: ignore[no-untyped-call]
                deadline = time.monotonic() + PATIENCE_S
                while not any(looker.processing().values()):
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            cluster.scheduler.kill()
            _, said = command.communicate(timeout=PATIENCE_S)
        finally:
            command.kill()
    assert command.returncode == 2
    (line,) = said.splitlines()
    assert line.startswith(f"hotline: workers: {cluster.address}: the scheduler is gone: ")


def test_a_machine_with_another_version_of_the_program_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for package in ("acd", "dialplans", "ivr", "simulator", "trunks"):
        shutil.copytree(ROOT / package, other / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "acd" / "kernel.py").open("a", encoding="utf-8") as source:
        source.write("\n# another version\n")
    cluster.work(path=other)
    with pytest.raises(ClusterFailed, match="runs another version"), dask(cluster.address):
        raise AssertionError("its figures would be others")


def test_a_fault_in_the_scenario_is_the_callers_own_on_threads() -> None:
    def fails(job: int) -> int:
        raise ValueError(f"job {job}: no such day")

    with threads(2) as crew, pytest.raises(ValueError, match="job 0: no such day"):
        list(crew.map(fails, range(5)))


def test_jobs_that_have_not_begun_are_taken_back_when_nobody_listens_any_more() -> None:
    begun: list[int] = []

    def note(job: int) -> int:
        begun.append(job)
        return job

    with threads(1) as crew:
        results = iter(crew.map(note, range(1_000)))
        assert next(results) == 0
        results.close()  # type: ignore[attr-defined]
    assert len(begun) < 100


def test_results_come_in_the_order_of_the_jobs_however_long_each_takes() -> None:
    gate = threading.Event()

    def slow_first(job: int) -> int:
        if job == 0:
            assert gate.wait(PATIENCE_S)
        if job == 3:
            gate.set()
        return job

    with threads(2) as crew:
        assert list(crew.map(slow_first, range(20))) == list(range(20))


@contextmanager
def opened(of: int | str | None) -> Iterator[Pool | None]:
    with workers(of) as crew:
        yield crew


@pytest.mark.parametrize(("of", "alone"), [(1, True), ("1", True), (2, False), ("3", False)])
def test_one_worker_is_this_thread_and_more_are_threads(of: int | str, alone: bool) -> None:
    with opened(of) as crew:
        assert (crew is None) == alone


def test_all_cores_work_unless_told_otherwise() -> None:
    with opened(None) as crew:
        assert (crew is None) == (usable_cores() == 1)


def test_no_workers_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="workers: 0 play nothing"), opened(0):
        raise AssertionError("nobody")
