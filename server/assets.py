"""What runs showed: the table `shown`, and the files behind it, whole or absent and never twice."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec

from graph.workflow import Json
from server import api
from server.database import Connection, Database, translated
from server.files import UnsafeName, parts_of

Row: TypeAlias = sqlite3.Row
STAGING = ".staging"
"""The folder, in the output and the temporary one, where files are written before they get their names."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing a node shows. With `staged`, a file that is written in full and waits for its name.

    `shown` describes it to the editor; for a file it gets `folder` and `name` when it is placed.
    """

    shown: Mapping[str, Json]
    staged: str | None = None
    prefix: str = ""
    suffix: str = ""
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the file of an item is to lie. `settled`: it lies there already."""

    item: Item
    folder: str = ""
    name: str = ""
    bytes: int = 0
    settled: bool = True


class Assets:
    """Gives staged files their names in the output or temporary folder and remembers what nodes showed."""

    def __init__(self, database: Database, output: Path, temp: Path) -> None:
        self._database = database
        self._folders = {"output": output, "temp": temp}
        self._naming = asyncio.Lock()

    async def keep(self, run: str, node: str, items: Sequence[Item]) -> tuple[Mapping[str, Json], ...]:
        """Place the files and remember all items of a node. Returns them as the editor sees them.

        Asked again for the same run and node, as after a crash, it keeps the files that are there already.
        The rows are committed before the files get their names: a name in the table belongs to its run.
        Raises StorageFailed, UnsafeName or OSError; then no file is torn, and those that were placed stay.
        """
        try:
            async with self._naming:
                before = await self._database.read(lambda connection: _known(connection, run, node))
                places = await asyncio.to_thread(self._choose, items, before)
                await self._database.write(lambda connection: _remember(connection, run, node, places))
                await asyncio.to_thread(self._move, places)
        except OSError as error:
            raise translated(error) from error
        return tuple(place.item.shown for place in places)

    def path(self, folder: str, name: str) -> Path:
        """Where a placed file lies."""
        return self._folders[folder] / name

    def _choose(self, items: Sequence[Item], before: Mapping[int, Row]) -> list[_Place]:
        places: list[_Place] = []
        for position, item in enumerate(items):
            if item.staged is None:
                places.append(self._shown_again(item))
                continue
            old = before.get(position)
            if old is not None and old["name"] and self._is_whole(old):
                shown = msgspec.json.decode(old["item"])
                Path(item.staged).unlink(missing_ok=True)
                places.append(_Place(replace(item, shown=shown), old["folder"], old["name"], old["bytes"]))
                continue
            places.append(self._new(item, position, {place.name for place in places}))
        return places

    def _shown_again(self, item: Item) -> _Place:
        """An item without a staged file: a text, or a file placed by an earlier run."""
        folder, name = item.shown.get("folder"), item.shown.get("name")
        if not isinstance(folder, str) or not isinstance(name, str) or folder not in self._folders:
            return _Place(item)
        path = self.path(folder, name)
        return _Place(item, folder, name, path.stat().st_size if path.is_file() else 0)

    def _is_whole(self, row: Row) -> bool:
        path = self.path(row["folder"], row["name"])
        return path.is_file() and path.stat().st_size == row["bytes"]

    def _new(self, item: Item, position: int, taken: set[str]) -> _Place:
        assert item.staged is not None
        staged = Path(item.staged)
        _sync(staged)
        folder = "temp" if item.temporary else "output"
        prefix = expanded(item.prefix, item.shown, position)
        name = next_name(self._folders[folder], prefix, item.suffix, taken)
        shown = {**item.shown, "folder": folder, "name": name}
        return _Place(replace(item, shown=shown), folder, name, staged.stat().st_size, settled=False)

    def _move(self, places: Iterable[_Place]) -> None:
        changed: set[Path] = set()
        for place in places:
            if not place.settled and place.item.staged is not None:
                target = self.path(place.folder, place.name)
                _rename(Path(place.item.staged), target)
                changed.add(target.parent)
        for folder in changed:
            _sync(folder)


def staging(root: Path) -> Path:
    """Where this process writes files that are to get a name in that folder."""
    return root / STAGING / str(os.getpid())


def clear_staging(root: Path) -> None:
    """Remove what processes that are gone have left unfinished."""
    with suppress(OSError):
        for folder in (root / STAGING).iterdir():
            if not _is_alive(folder.name):
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def outputs(connection: Connection, runs: Sequence[str]) -> dict[str, tuple[api.RunOutput, ...]]:
    """What the nodes of those runs showed, by run."""
    marks = ", ".join("?" * len(runs))
    query = f"select run, node, item from shown where run in ({marks}) order by run, node, position"
    found: dict[str, dict[str, list[api.ShownItem]]] = {}
    for row in connection.execute(query, tuple(runs)):
        with suppress(msgspec.ValidationError):  # what only a pack's own page can show
            item = msgspec.json.decode(row["item"], type=api.ShownItem)
            found.setdefault(row["run"], {}).setdefault(row["node"], []).append(item)
    return {
        run: tuple(api.RunOutput(node, tuple(items)) for node, items in nodes.items())
        for run, nodes in found.items()
    }


def expanded(prefix: str, shown: Mapping[str, Json], position: int = 0) -> str:
    """The prefix with `%width%`, `%date%` and so on replaced, as a relative path. Raises UnsafeName."""
    now = time.localtime()
    values = {
        "width": shown.get("width", 0), "height": shown.get("height", 0), "batch_num": position,
        "year": now.tm_year, "month": f"{now.tm_mon:02}", "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}", "minute": f"{now.tm_min:02}", "second": f"{now.tm_sec:02}",
    }  # fmt: skip
    for name, value in values.items():
        prefix = prefix.replace(f"%{name}%", str(value))
    try:
        return "/".join(parts_of(prefix.replace("\\", "/")))
    except UnsafeName as error:
        raise UnsafeName(f"No file can be saved with the prefix {prefix!r}. {error}") from error


def next_name(root: Path, prefix: str, suffix: str, taken: Iterable[str] = ()) -> str:
    """The first free `prefix_00001_` + suffix, counting on from the files there and the names just taken."""
    relative = PurePosixPath(prefix)
    folder, base = root / relative.parent, f"{relative.name}_"
    folder.mkdir(parents=True, exist_ok=True)
    if not folder.resolve().is_relative_to(root.resolve()):
        raise UnsafeName(f"The file name prefix {prefix!r} leads out of the output folder.")
    names = [entry.name for entry in os.scandir(folder)]
    names += [PurePosixPath(name).name for name in taken if PurePosixPath(name).parent == relative.parent]
    numbers = (name[len(base) :].split("_")[0].split(".")[0] for name in names if name.startswith(base))
    last = max((int(number) for number in numbers if number.isascii() and number.isdigit()), default=0)
    return str(relative.with_name(f"{base}{last + 1:05}_{suffix}"))


def _known(connection: Connection, run: str, node: str) -> dict[int, Row]:
    rows = connection.execute("select * from shown where run = ? and node = ?", (run, node))
    return {int(row["position"]): row for row in rows}


def _remember(connection: Connection, run: str, node: str, places: Sequence[_Place]) -> None:
    connection.execute("delete from shown where run = ? and node = ?", (run, node))
    connection.executemany(
        "insert into shown (run, node, position, item, folder, name, bytes) values (?, ?, ?, ?, ?, ?, ?)",
        [
            (run, node, position, msgspec.json.encode(place.item.shown).decode(), place.folder or None,
             place.name or None, place.bytes)
            for position, place in enumerate(places)
        ],
    )  # fmt: skip


def _rename(staged: Path, target: Path) -> None:
    """Give the file its name unless it is taken, also where there are no hard links."""
    try:
        os.link(staged, target)
        staged.unlink()
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(target.name) from None
        staged.rename(target)


def _sync(path: Path) -> None:
    """Wait until the file, or the folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
