import asyncio
import errno
import logging
import random
import sqlite3
from pathlib import Path

import pytest

from server.database import (
    Connection,
    Database,
    DatabaseError,
    DatabaseInUse,
    DiskFull,
    NewerDatabase,
    StorageFailed,
    translated,
)


def put(connection: Connection, name: str, value: int) -> None:
    connection.execute("insert into mark (name, value) values (?, ?)", (name, value))


def names(connection: Connection) -> list[str]:
    return [row[0] for row in connection.execute("select name from mark order by name")]


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    async with Database(tmp_path / "a") as database:
        await database.write(lambda connection: put(connection, "x", 1))
    async with Database(tmp_path / "a") as database:
        assert await database.read(names) == ["x"]


async def test_writes_that_wait_together_all_arrive(database: Database) -> None:
    await asyncio.gather(*(database.write(lambda c, n=n: put(c, f"{n:04}", n)) for n in range(1000)))
    assert len(await database.read(names)) == 1000


async def test_a_write_that_raises_is_undone_alone(database: Database) -> None:
    def bad(connection: Connection) -> None:
        put(connection, "bad", 1)
        raise KeyError("bad")

    writes = [
        database.write(lambda c: put(c, "a", 1)),
        database.write(bad),
        database.write(lambda c: put(c, "b", 1)),
    ]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(results[1], KeyError)
    assert await database.read(names) == ["a", "b"]


async def test_two_bad_writes_in_one_group_do_not_hurt_the_good_ones(database: Database) -> None:
    def bad(connection: Connection) -> None:
        connection.execute("insert into nothing values (1)")

    work = [bad, lambda c: put(c, "a", 1), bad, lambda c: put(c, "b", 1)]
    results = await asyncio.gather(*(database.write(each) for each in work), return_exceptions=True)
    assert [type(result) for result in results[::2]] == [sqlite3.OperationalError] * 2
    assert await database.read(names) == ["a", "b"]


async def test_a_reader_does_not_wait_for_a_long_write(database: Database) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: Connection) -> None:
        put(connection, "slow", 1)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    writing = asyncio.create_task(database.write(slow))
    assert await asyncio.wait_for(database.read(names), 2) == []
    release.set()
    await writing


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(StorageFailed, match="readonly"):
        await database.read(lambda connection: put(connection, "x", 1))


async def test_a_database_is_open_only_once(database: Database) -> None:
    with pytest.raises(DatabaseInUse, match="Another server is using"):
        await Database(database.path).__aenter__()


async def test_a_newer_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    async with Database(tmp_path / "a"):
        pass
    with sqlite3.connect(tmp_path / "a") as connection:
        connection.execute("pragma user_version = 99")
    with pytest.raises(NewerDatabase, match="version 99"):
        await Database(tmp_path / "a").__aenter__()


@pytest.mark.parametrize("damage", ["cut", "noise", "text", "empty header"])
async def test_a_damaged_file_is_moved_aside_and_a_fresh_one_started(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a"
    async with Database(path) as database:
        await database.write(lambda c: [put(c, f"{n:05}", n) for n in range(5000)])
    whole = path.read_bytes()
    noise = random.Random(1).randbytes(len(whole) - 8192)
    damaged = {
        "cut": whole[:10000],
        "noise": whole[:8192] + noise,
        "text": b"hello",
        "empty header": bytes(100) + whole[100:],
    }
    path.write_bytes(damaged[damage])
    async with Database(path) as database:
        assert await database.read(names) == []
    assert [kept.read_bytes() for kept in tmp_path.glob("a.damaged-*")] == [damaged[damage]]
    assert any(record.levelno == logging.ERROR for record in caplog.records)


async def test_a_file_that_cannot_be_opened_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.lock").mkdir()
    with pytest.raises(DatabaseError, match="cannot be used") as told:
        async with Database(tmp_path / "a"):
            pass
    assert not isinstance(told.value, DatabaseInUse) and "--data" in told.value.hint


async def test_a_full_database_refuses_the_write_and_goes_on_when_there_is_room(database: Database) -> None:
    def limit(connection: Connection, pages: int) -> None:
        connection.execute(f"pragma max_page_count = {pages}")

    await database.write(lambda c: limit(c, 1))
    with pytest.raises(DiskFull):
        await database.write(lambda c: [put(c, f"{n:05}", n) for n in range(5000)])
    assert await database.read(names) == []
    await database.write(lambda c: limit(c, 1_000_000))
    await database.write(lambda c: put(c, "room", 1))
    assert await database.read(names) == ["room"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_on_the_device_means_a_full_disk(number: int) -> None:
    assert isinstance(translated(OSError(number, "")), DiskFull)


def test_other_errors_stay_what_they_are() -> None:
    error = OSError(errno.EIO, "")
    assert translated(error) is error
