"""The SQLite file: one thread writes, several read, and what was promised is on the disk.

DatabaseError(message, hint)     told to the operator
    NewerDatabase                written by a newer version of the program
    DatabaseInUse                another server has it open
    StorageFailed                not read or written this time; nothing was changed
        DiskFull                 no room for the write
"""

import asyncio
import errno
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

T = TypeVar("T")
Connection: TypeAlias = sqlite3.Connection
READERS = 3
LARGEST_GROUP = 256
"""How many writes at most share one transaction."""
PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says when the disk, or another program, does not let it work."""
log = logging.getLogger(__name__)


class DatabaseError(Exception):
    """The database cannot be used as asked: `message` says what is wrong, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class NewerDatabase(DatabaseError):
    """The file was written by a newer version."""


class DatabaseInUse(DatabaseError):
    """Another server has the file open."""


class StorageFailed(DatabaseError):
    """The database could not be read or written this time. Nothing was changed; later it may work again."""

    code = "storage_failed"


class DiskFull(StorageFailed):
    """There was no room for a write. Nothing was changed."""

    code = "disk_full"

    def __init__(self) -> None:
        super().__init__("The disk is full, so nothing could be saved.", "Free some space and try again.")


@dataclass(frozen=True, slots=True)
class _Write:
    """One piece of work for the writer thread, and where its result goes."""

    work: Callable[[Connection], Any]
    durable: bool
    result: "Future[Any]" = field(default_factory=Future)


class Database:
    """A SQLite file with one writer thread. Readers see the last commit and never wait for the writer.

    `async with Database(path) as database:` opens it, checks it, brings its schema up to date and closes it.
    Raises NewerDatabase or DatabaseInUse on entry. A damaged file is moved aside and a fresh one started.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_all, name="database writer", daemon=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database reader")
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._guard: Connection | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        self._guard = await asyncio.to_thread(_open, self.path)
        self._writer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._writes.put(None)
        await asyncio.to_thread(self._close)

    async def write(self, work: Callable[[Connection], T], *, durable: bool = True) -> T:
        """Run `work` in a transaction; when this returns, its changes are committed.

        Durable ones also survive a power cut. Writes that wait at the same time share a commit; one that
        raises is undone alone, and raises here. Raises StorageFailed if the disk does not take it.
        """
        if self._closed:
            raise DatabaseError(f"The database {self.path} is closed.")
        write = _Write(work, durable)
        self._writes.put(write)
        result: T = await asyncio.shield(asyncio.wrap_future(write.result))
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a reading connection, in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            connection = self._reader()
            connection.execute("begin")
            try:
                return work(connection)
            finally:
                connection.execute("rollback")
        except sqlite3.Error as error:
            raise translated(error) from error

    def _reader(self) -> Connection:
        """The reading connection of this thread."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(self.path)
            connection.execute("pragma query_only = on")
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def _close(self) -> None:
        self._writer.join()
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()
        if self._guard is not None:
            self._guard.close()

    def _write_all(self) -> None:
        """The writer thread: takes whatever waits, commits it together, answers."""
        connection = _connect(self.path)
        while (group := self._next_group()) is not None:
            _commit(connection, group)
        connection.close()

    def _next_group(self) -> list[_Write] | None:
        first = self._writes.get()
        if first is None:
            return None
        group = [first]
        while len(group) < LARGEST_GROUP and not self._writes.empty():
            more = self._writes.get()
            if more is None:
                self._writes.put(None)
                break
            group.append(more)
        return group


class _Answers:
    """A `with` block whose error, whatever it is, becomes the answer to those who wait."""

    def __init__(self, *writes: _Write) -> None:
        self._writes = writes

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        for write in self._writes:
            if isinstance(error, Exception) and not write.result.done():
                write.result.set_exception(translated(error))
        return isinstance(error, Exception)


def _commit(connection: Connection, group: Sequence[_Write]) -> None:
    """One transaction for the group. A write that raises is undone alone; a failed commit undoes all."""
    done: list[tuple[_Write, Any]] = []
    with _Answers(*group):
        synchronous = "full" if any(write.durable for write in group) else "normal"
        connection.execute(f"pragma synchronous = {synchronous}")
        with _transaction(connection, "begin immediate", "commit", "rollback"):
            for write in group:
                with (
                    _Answers(write),
                    _transaction(connection, "savepoint one", "release one", "rollback to one"),
                ):
                    done.append((write, write.work(connection)))
                if not connection.in_transaction:  # SQLite undid everything by itself, as on a full disk
                    raise DiskFull
        for write, value in done:
            write.result.set_result(value)


@contextmanager
def _transaction(connection: Connection, begin: str, commit: str, undo: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute(commit)
    except BaseException:
        if connection.in_transaction:
            connection.execute(undo)
        raise


def translated(error: Exception) -> Exception:
    """The same error, or the DiskFull or StorageFailed that it means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the details of an extended code
    told: StorageFailed
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        told = DiskFull()
    elif code in PASSING:
        hint = "Look at the disk that holds the data folder, and at what else uses it."
        told = StorageFailed(f"The database cannot be used just now: {error}.", hint)
    else:
        return error
    told.__cause__ = error
    return told


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("pragma foreign_keys = on")
    return connection


def _open(path: Path) -> Connection:
    """Claim, check and upgrade the file. The returned connection holds the claim while it is open."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        guard = _claim(path)
        try:
            if path.exists() and (fault := _fault(path)):
                _move_aside(path, fault)
            with _closing(_connect(path)) as connection:
                connection.execute("pragma journal_mode = wal")
                migrate(connection)
        except BaseException:
            guard.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error
    return guard


def _unusable(path: Path, error: Exception) -> DatabaseError:
    told = translated(error)
    if isinstance(told, DiskFull):
        return told
    return DatabaseError(
        f"The database {path} cannot be used: {error}.",
        "Make sure that its folder can be written to, or choose another with --data.",
    )


def _claim(path: Path) -> Connection:
    """Hold an exclusive lock beside the file. The system frees it when the process ends, however it ends."""
    guard = sqlite3.connect(
        path.with_name(path.name + ".lock"), isolation_level=None, timeout=0, check_same_thread=False
    )
    try:
        guard.execute("begin exclusive")
    except sqlite3.OperationalError as error:
        guard.close()
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise DatabaseInUse(
            f"Another server is using {path}.", "Stop it, or start this one with another data folder."
        ) from error
    return guard


def _fault(path: Path) -> str:
    """What is wrong with the file, or nothing."""
    try:
        with _closing(_connect(path)) as connection:
            answer = str(connection.execute("pragma quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if answer == "ok" else answer


def _move_aside(path: Path, fault: str) -> None:
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    log.error(
        "the database was damaged (%s); it is kept as %s, and a fresh one was started without its runs",
        fault,
        aside,
    )


def migrate(connection: Connection) -> None:
    """Apply the numbered files of `migrations` that this database has not seen. Raises NewerDatabase."""
    files = sorted((Path(__file__).parent / "migrations").glob("[0-9]*.sql"))
    version = int(connection.execute("pragma user_version").fetchone()[0])
    if version > len(files):
        raise NewerDatabase(
            f"The database has version {version}, but this program knows versions up to {len(files)}.",
            "Start the newer version of Photogram that wrote it, or choose another data folder.",
        )
    for number, file in enumerate(files[version:], start=version + 1):
        text = file.read_text(encoding="utf-8")
        connection.executescript(f"begin immediate;\n{text}\npragma user_version = {number};\ncommit;")
        log.info("the database is now at version %d", number)


@contextmanager
def _closing(connection: Connection) -> Iterator[Connection]:
    try:
        yield connection
    finally:
        connection.close()
