"""A database in a fresh folder, and the hub and the queue over it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.assets import Assets
from server.database import Database
from server.hub import Hub
from server.queue import Queue


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "photogram.sqlite") as database:
        yield database


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[Hub]:
    hub = Hub(database)
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
def queue(database: Database, hub: Hub) -> Queue:
    return Queue(database, hub)


@pytest.fixture
def assets(database: Database, tmp_path: Path) -> Assets:
    return Assets(database, tmp_path / "output", tmp_path / "temp")
