"""A Dask cluster as an executor: the same study on several machines, checked before any work is given out.

What comes back is the same, byte for byte, as long as every worker runs the same program with the same figures and
writes to the same disk.  So every worker is asked first; one that joins later answers before its first work.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from sim import record
from sim.study import inputs_digest
from traceability.errors import StoreError

if TYPE_CHECKING:
    from distributed import Client, Worker

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 10
"""Seconds until a scheduler must have answered, and a first worker be there."""

_TOKEN = ".cluster-"
_LOOKS, _PAUSE = 8, 0.25
"""How often a worker looks for the token, and seconds between: a network disk may be late."""

_DIGESTS = {"program": "another state of the program's files", "figures": "other input figures (sim/data)"}
_KEPT = "finished replications are kept: the same command with --resume goes on"


@contextmanager
def cluster(address: str, folder: Path | None) -> Iterator[Executor]:
    """Yield an executor whose work is done by the workers of a Dask cluster, all of them fit for it.

    Args:
        address: of the scheduler, as it tells it: tcp://HOST:PORT, or tls://HOST:PORT where Dask is configured for it.
        folder: what the work writes to, or the folder above; made if need be.  None: the work returns all that
            it makes, and no disk is shared.

    Raises:
        StoreError: `distributed` is not installed; no scheduler or no worker is there; a worker, also one that
            joins later, has another program, other figures, several threads or another disk; workers die of the
            work, or the scheduler is lost.
    """
    _require_address(address)
    try:
        importlib.import_module("distributed")
    except ModuleNotFoundError:
        raise StoreError(
            "--cluster needs the package distributed: pip install 'battrace[cluster]' (in a clone: pip install "
            "'.[cluster]')"
        ) from None
    with _silent():
        client = _connected(address)
        token = _Token(None if folder is None else folder.absolute())
        try:
            token.write()
            _check(client, address, token)
            # a study takes an empty folder only: for those who join later, it is written again with the first work
            token.remove()
            yield _Checked(client, token)
        except CancelledError:
            raise StoreError(f"{address}: the scheduler was lost; {_KEPT}") from None
        except Exception as error:
            if (said := _of_cluster(error)) is None:
                raise
            raise StoreError(f"{address}: {said}") from None
        finally:
            token.remove()
            client.close(timeout=PATIENCE)


class _Checked(Executor):
    """Gives work to the cluster; whichever worker takes it checks itself first."""

    def __init__(self, client: Client, token: _Token) -> None:
        self._executor = client.get_executor(pure=False)
        self._token = token

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have *fn* called by a worker; its arguments reach the worker as bytes, unread until it has been checked."""
        self._token.write()
        work = pickle.dumps((fn, args, kwargs))
        future: Future[T] = self._executor.submit(_checked, program(), self._token.name, work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; see `Executor.shutdown`."""
        self._executor.shutdown(wait=wait and not cancel_futures)


class _Token:
    """A file in *folder* that a worker finds if it sees the same disk; none where no disk needs to be shared."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / f"{_TOKEN}{uuid4().hex}"
        self._there = self._made = False

    @property
    def name(self) -> str | None:
        """Where a worker finds it."""
        return None if self._path is None else str(self._path)

    def write(self) -> None:
        if self._path is None or self._there:
            return
        folder = self._path.parent
        try:
            self._made = self._made or not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            for left in folder.glob(f"{_TOKEN}*"):  # by a program that was killed
                left.unlink(missing_ok=True)
            self._path.write_text(self._path.name)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None
        self._there = True

    def remove(self) -> None:
        if self._path is None:
            return
        self._there = False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            if self._made:
                self._path.parent.rmdir()  # only while nothing else is in it


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a worker says of itself.

    Attributes:
        program: as `program` has it there.
        threads: how much work it takes at a time.
        sees: whether the token is on its disk, where there is one.
    """

    program: dict[str, str]
    threads: int
    sees: bool


@cache
def program() -> dict[str, str]:
    """Return what a result could depend on: versions, and digests of the program's files and of its input figures.

    It is read once: a worker that is older than the files beside it goes on to say what it was started with.
    """
    total = hashlib.sha256()
    for package in ("sim", "traceability"):
        root = Path(str(files(package)))
        for path in sorted(p for kind in ("py", "toml", "json") for p in root.rglob(f"*.{kind}")):
            total.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return {**record.versions(), "figures": inputs_digest(), "program": total.hexdigest()}


def _connected(address: str) -> Client:
    """Return a client of the scheduler at *address*, within bounds: what is no scheduler may never say so."""
    from distributed import Client

    made: list[Client] = []
    why = ["nothing that speaks as a scheduler does"]

    def make() -> None:
        try:
            made.append(Client(address, timeout=PATIENCE, set_as_default=False, name="battrace"))
        except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
            why[0] = str(error).partition("\n")[0] or type(error).__name__

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    thread.join(PATIENCE + 2)
    if not made:
        raise StoreError(
            f"{address}: no Dask scheduler answers there within {PATIENCE} s ({why[0]}); `dask scheduler` starts one "
            "and tells its address"
        )
    return made[0]


def _require_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("tcp", "tls") and bool(parts.hostname) and parts.port and not parts.path
    except ValueError:  # a port that is no number, or out of bounds
        good = False
    if not good:
        raise StoreError(
            f"`{address}` is no address of a scheduler; expected tcp://HOST:PORT, for instance tcp://10.0.0.5:8786"
        )


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the library's own log still, tracebacks and all: what it has to say is said by one message."""
    levels = {
        logger: logger.level
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and name.partition(".")[0] == "distributed"
    }
    for logger in levels:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _check(client: Client, address: str, token: _Token) -> None:
    """Ask every worker that is there now."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise StoreError(
            f"{address}: the scheduler has no workers after {PATIENCE} s; on each machine, `dask worker {address} "
            "--nthreads 1 --nworkers CORES` starts some"
        ) from None
    try:
        client.run_on_scheduler(_importable)
    except ImportError as error:
        raise StoreError(
            f"{address}: where the scheduler runs, battrace cannot be imported ({error}); install it there, too"
        ) from None
    answers = client.run(_answer, token.name, on_error="return")
    wrong = [
        (worker, why) for worker, said in sorted(answers.items()) if (why := _why_unfit(said, program()))
    ]
    if wrong:
        more = (
            f"; so have {len(wrong) - 1} more of {len(answers)} workers something amiss" if wrong[1:] else ""
        )
        raise StoreError(f"worker {wrong[0][0]}: {wrong[0][1]}{more}")


def _importable() -> None:
    """Do nothing: that this can be called is the answer."""


def _answer(token: str | None, dask_worker: Worker) -> _Answer:
    """Return what this worker says of itself; Dask hands it in by that name."""
    return _Answer(program(), dask_worker.state.nthreads, token is None or _sees(Path(token)))


def _sees(token: Path) -> bool:
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE)
        with suppress(OSError):
            return token.read_text() == token.name
    return False


def _why_unfit(said: object, here: Mapping[str, str]) -> str | None:
    """Return why a worker that answered *said* must get no work, or None."""
    if not isinstance(said, _Answer):
        return (
            f"battrace cannot be asked there ({said}); install the same battrace, and start the worker again"
        )
    for name, version in here.items():
        there = said.program.get(name)
        if there != version:
            what = _DIGESTS.get(name) or f"{name} {there}, but {version} here"
            return f"has {what}; install the same there, and start the worker again"
    if said.threads != 1:
        return f"has {said.threads} threads, but a replication needs a process; start it with --nthreads 1"
    if not said.sees:
        return "does not see the folder of this study; --out must be on a disk that all machines share, under one path"
    return None


def _checked(here: Mapping[str, str], token: str | None, work: bytes) -> object:
    """Do *work*, on a worker that is fit for it."""
    from distributed import get_worker

    worker = get_worker()
    if why := _why_unfit(_answer(token, worker), here):
        raise StoreError(f"worker {worker.address}: {why}")
    function, args, kwargs = pickle.loads(work)
    result: object = function(*args, **kwargs)
    return result


def _of_cluster(error: Exception) -> str | None:
    """Return what to tell where *error* is the cluster's and not the work's, else None."""
    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    if isinstance(error, KilledWorker):
        return (
            f"{error.allowed_failures + 1} workers died of one and the same replication, the last at "
            f"{error.last_worker.address}; most likely memory was short: start fewer with more memory each "
            f"(--memory-limit), or take a coarser scale; {_KEPT}"
        )
    if isinstance(error, CommClosedError):
        return f"the scheduler was lost; {_KEPT}"
    return None
