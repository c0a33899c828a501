"""A study on a Dask cluster: a scheduler and workers as processes of their own, checked, killed and compared.

Nothing is pretended: a worker of another version is started from a copy of the program with other metadata, and a
folder that is not shared is one that has another meaning in every process.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from threading import Timer

import pytest
from click.testing import CliRunner
from distributed import Client

import sim
import traceability
from sim.attempt import Attempt, clear
from sim.cli import cli
from sim.cluster import cluster
from sim.comparison import chosen, read_comparison, run_comparison
from sim.scenario import Scenario, load
from sim.study import run_study
from traceability.errors import StoreError

BASE = """
extends = "baseline"
name = "before"
from = 2025-01-01
until = 2025-12-31
scale = 200000
"""
DEPOSIT = """
extends = "before.toml"
name = "deposit"
title_en = "A deposit"
title_zh = "押金"
[market]
deposit_yuan_pack = 5000
[market.sources]
deposit_yuan_pack = "assumed: what if"
"""
LABELS = ("before", "deposit")
REPLICATIONS = 3


class Machines:
    """A scheduler on a free port of loopback, and the workers that were started for it."""

    def __init__(self, place: Path) -> None:
        self._place, self._started = place, list[subprocess.Popen[bytes]]()
        place.mkdir()
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.scheduler = self._start("scheduler", "--host", self.address, "--no-dashboard")

    def worker(self, *options: str, path: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a worker; its program is the one in *path*, where that is given."""
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0", *options)
        return self._start("worker", self.address, *words, path=path)

    def ready(self, workers: int) -> None:
        """Return when so many workers are there."""
        with Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)

    def _start(self, kind: str, *words: str, path: Path | None = None) -> subprocess.Popen[bytes]:
        home = self._place / f"{kind}{len(self._started)}"
        home.mkdir()
        environment = {**os.environ, "PYTHONPATH": str(path or Path(sim.__file__).parents[1])}
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *words],
                cwd=home,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self._started):
            kill(process)


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def kill(process: subprocess.Popen[bytes]) -> None:
    """At once and with all its children; nothing where it has ended already."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def until(happened: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    started = Machines(tmp_path / "machines")
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios, and their comparison made on this machine; tests only read it."""
    place = tmp_path_factory.mktemp("local")
    (place / "before.toml").write_text(BASE)
    (place / "deposit.toml").write_text(DEPOSIT)
    run_comparison(scenarios(place), place / "out", replications=REPLICATIONS, workers=2)
    return place


def scenarios(place: Path) -> dict[str, Scenario]:
    return chosen([str(place / "before.toml"), str(place / "deposit.toml")])


def bytes_of(folder: Path) -> dict[str, str]:
    """Of all files of both runs but the ones that say where they were made and how long it took."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "machine.toml"
    }


def attempts(folder: Path) -> list[Path]:
    return [path for label in LABELS for path in (folder / label / "log").glob(".r*.part")]


def test_a_killed_worker_changes_no_byte(local, machines, tmp_path):
    """One of two workers is killed while it is at a replication; the other one does that again."""
    workers = {process.pid: process for process in (machines.worker(), machines.worker())}
    out, killed = tmp_path / "out", []

    def watch(_: object) -> None:
        found = attempts(out)
        if killed or len(found) < 2:
            return
        pid = int(found[0].name.split(".")[2].split("-")[0])
        kill(workers[pid])
        killed.append(found[0])
        final = found[0].with_name(found[0].name.split(".")[1])
        assert not (final.parent / f".{final.name}.json").exists()  # it was in the middle

    machines.ready(2)
    with cluster(machines.address, out) as executor:
        run_comparison(scenarios(local), out, replications=REPLICATIONS, executor=executor, progress=watch)
    assert len(killed) == 1
    assert bytes_of(out) == bytes_of(local / "out")
    assert read_comparison(out)["fingerprint"] == read_comparison(local / "out")["fingerprint"]


def test_a_killed_study_goes_on_without_repeating_what_is_finished(local, machines, tmp_path):
    out = tmp_path / "out"
    words = ["run", str(local / "before.toml"), "--replications", str(REPLICATIONS), "--out", str(out)]
    words += ["--cluster", machines.address]
    machines.worker()
    machines.worker()
    command = [sys.executable, "-c", "from sim.cli import main; main()", *words]
    client = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until(lambda: any((out / "log").glob(".r???.json")))
    finally:
        kill(client)
    finished = {
        path: (out / "log" / path.name[1:5] / "store.json").stat().st_ino
        for path in (out / "log").glob(".r???.json")
    }
    assert 0 < len(finished) < REPLICATIONS
    done = CliRunner().invoke(cli, [*words, "--resume"])
    assert done.exit_code == 0, done.output + repr(done.exception)
    assert bytes_of(out) == bytes_of(local / "out" / "before")
    for path, inode in finished.items():
        assert (out / "log" / path.name[1:5] / "store.json").stat().st_ino == inode


def test_a_sweep_on_a_cluster_is_the_same_and_needs_no_disk_in_common(local, machines, tmp_path):
    """Its workers get no path at all: what they make, they return."""
    words = ["sweep", str(local / "before.toml"), "--vary", "market.deposit_yuan_pack=0,2500,5000", "--only"]
    words += ["--measure", "formal_share", "--replications", "2"]
    machines.worker()
    machines.worker()
    machines.ready(2)
    for out, how in (("here", ["--workers", "1"]), ("there", ["--cluster", machines.address])):
        done = CliRunner().invoke(cli, [*words, "--out", str(tmp_path / out), *how])
        assert done.exit_code == 0, done.output + repr(done.exception)
    assert bytes_of(tmp_path / "there") == bytes_of(tmp_path / "here")


def copied(place: Path) -> Path:
    """The program, as somebody else has it."""
    for package in (sim, traceability):
        source = Path(package.__file__).parent
        shutil.copytree(source, place / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def refused(machines: Machines, out: Path) -> str:
    machines.ready(1)
    with pytest.raises(StoreError) as error, cluster(machines.address, out):
        pytest.fail("nobody looked")
    assert not out.exists()
    return str(error.value)


def test_a_worker_that_differs_gets_no_work(machines, tmp_path):
    """Another version, other figures, other code, several threads, at the start and from one that joins later."""
    out = tmp_path / "out"
    older = copied(tmp_path / "older")
    (older / "battrace-0.0.9.dist-info").mkdir()
    (older / "battrace-0.0.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: battrace\nVersion: 0.0.9\n"
    )
    figures = copied(tmp_path / "figures")
    table = figures / "sim" / "data" / "density.csv"
    table.write_text(table.read_text("utf-8") + "\n", "utf-8")
    code = copied(tmp_path / "code")
    with (code / "sim" / "chance.py").open("a") as file:
        file.write("# a change\n")
    expected = {
        older: "has battrace 0.0.9, but ",
        figures: "has other input figures",
        code: "has another state of the program's files",
        None: "has 2 threads",
    }
    for path, said in expected.items():
        worker = machines.worker(*([] if path else ["--nthreads", "2"]), path=path)
        message = refused(machines, out)
        assert said in message
        assert message.startswith("worker tcp://127.0.0.1:")
        kill(worker)
    machines.worker()
    machines.ready(1)
    with cluster(machines.address, out) as executor:
        assert executor.submit(max, 1, 2).result() == 2
        machines.worker(path=figures)
        machines.ready(2)
        answers = [executor.submit(time.sleep, 0.2).exception for _ in range(20)]
        told = {str(answer()) for answer in answers} - {"None"}
    assert len(told) == 1
    assert re.fullmatch(r"worker tcp://\S+: has other input figures .*", told.pop())


def test_a_folder_that_the_workers_do_not_see_is_refused(machines):
    """/proc/self is another place for every process, as a local disk is for every machine."""
    machines.worker()
    machines.ready(1)
    out = Path("/proc/self/cwd") / "out-of-the-caller-alone"
    with (
        pytest.raises(StoreError, match="must be on a disk that all machines share"),
        cluster(machines.address, out),
    ):
        pytest.fail("nobody looked")
    assert not out.exists()


def test_work_that_ends_every_worker_is_told_in_one_message(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    started = Machines(tmp_path / "machines")
    try:
        started.worker()
        started.ready(1)
        with (
            pytest.raises(StoreError, match="died of one and the same replication.*memory.*--resume"),
            cluster(started.address, tmp_path / "out") as executor,
        ):
            executor.submit(os._exit, 1).result()
    finally:
        started.stop()


def test_what_does_not_answer_is_told_in_one_message(machines, tmp_path, monkeypatch):
    monkeypatch.setattr("sim.cluster.PATIENCE", 2)
    said = {
        f"tcp://127.0.0.1:{free_port()}": "no Dask scheduler answers there",
        "127.0.0.1:8786": "expected tcp://HOST:PORT",
        "tcp://127.0.0.1": "expected tcp://HOST:PORT",
        "tcp://127.0.0.1:port": "expected tcp://HOST:PORT",
        machines.address: "the scheduler has no workers",
    }
    until(lambda: answers(machines.address))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes a call and says nothing
        said[f"tcp://127.0.0.1:{silent.getsockname()[1]}"] = "no Dask scheduler answers there"
        for address, message in said.items():
            with pytest.raises(StoreError, match=message), cluster(address, tmp_path / "out"):
                pytest.fail("nobody looked")
    assert not (tmp_path / "out").exists()


def answers(address: str) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0


def test_a_cluster_has_no_use_for_a_number_of_workers():
    done = CliRunner().invoke(cli, ["run", "--workers", "2", "--cluster", "tcp://127.0.0.1:8786"])
    assert done.exit_code == 2
    assert "leave it out" in done.output


def test_of_two_attempts_the_first_has_the_place(tmp_path):
    """The other one's folder is thrown away whole; a file is laid over the same file; nothing is left."""
    with Attempt(tmp_path, "r000") as first, Attempt(tmp_path, "r000") as second:
        assert first.folder != second.folder
        for attempt, text in ((first, "first"), (second, "second")):
            attempt.path("log").mkdir()
            (attempt.path("log") / "store.json").write_text(text)
            attempt.path("said.json").write_text("same")
            attempt.give("log", tmp_path / "r000")
            attempt.give("said.json", tmp_path / ".r000.json")
    assert (tmp_path / "r000" / "store.json").read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".r000.json", "r000"]


def test_an_attempt_that_was_cleared_away_can_give_nothing(tmp_path):
    """Nor does clearing touch the attempts at another replication."""
    with Attempt(tmp_path, "r100") as lost, Attempt(tmp_path, "r1000") as other:
        lost.path("said.json").write_text("late")
        clear(tmp_path, "r100")
        with pytest.raises(FileNotFoundError):
            lost.give("said.json", tmp_path / ".r100.json")
        assert other.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


class Late(Executor):
    """Says that work is done half a second before its files are seen, as a network disk may."""

    def submit(self, fn, /, *args, **kwargs):
        done: Future[object] = Future()
        Timer(0.5, fn, args, kwargs).start()
        done.set_result(None)
        return done


def test_files_that_are_seen_late_are_waited_for(local, tmp_path):
    run_study(load(local / "before.toml", replications=1), tmp_path / "out", executor=Late())
    log, same = tmp_path / "out" / "log" / "r000", local / "out" / "before" / "log" / "r000"
    assert (log / "store.json").read_bytes() == (same / "store.json").read_bytes()
