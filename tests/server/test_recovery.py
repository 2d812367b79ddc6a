"""kill -9, of the server and of its worker, at any moment: no accepted run is lost, none is done twice."""

import asyncio
import os
import random
import re
import time
from pathlib import Path

import pytest

from server import api
from server.database import Database
from server.hub import Hub
from server.queue import Queue
from tests.server.kill import Victim, is_alive
from tests.server.toys import Plant, plant, saved, workflow

WHOLE = re.compile(r"begin \d+ 0 \.{1000} end \{.*\}", re.DOTALL)
pytestmark = pytest.mark.slow
CYCLES = [10, pytest.param(200, marks=pytest.mark.soak)]


async def settled(folder: Path, ids: list[str]) -> Plant:
    """Start a server on what is left and wait until every run has ended."""
    async with plant(folder) as toys:
        for id in ids:
            await toys.ended(id, 60)
        assert (await toys.queue.counts()).running == 0
        states = {run.id: run.state for run in [await toys.queue.get(id) for id in ids] if run is not None}
        assert states == dict.fromkeys(ids, "succeeded")
    return toys


async def wait_for(happened: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:  # type: ignore[operator]
        await asyncio.sleep(0.02)


async def test_a_killed_server_leaves_no_worker_behind(tmp_path: Path) -> None:
    victim = Victim(tmp_path)
    victim.submit(workflow(stubborn={"seconds": 60}, save={"value": {"link": ["stubborn", "INT"]}}))
    await wait_for(victim.worker)
    worker = victim.worker()
    victim.kill()
    await wait_for(lambda: not is_alive(worker), 2)
    assert worker and not is_alive(worker)


async def test_what_was_queued_and_running_when_the_server_was_killed_finishes_after_the_restart(
    tmp_path: Path,
) -> None:
    victim = Victim(tmp_path)
    ids = [victim.submit(saved(value, seconds=0.3)) for value in range(4)]
    await asyncio.sleep(0.8)
    victim.kill()
    toys = await settled(tmp_path, ids)
    assert len(toys.files()) == 4
    assert all(WHOLE.fullmatch(path.read_text()) for path in toys.files())


async def test_a_wish_to_cancel_holds_over_a_killed_server(tmp_path: Path) -> None:
    async with plant(tmp_path) as toys:
        run = await toys.queue.add(saved(1, seconds=60))
        await toys.started(run.id)
        await toys.queue.cancel(run.id)
    async with plant(tmp_path) as toys:
        assert (await toys.ended(run.id, 5)).state == "cancelled"


async def test_the_numbers_of_events_never_go_back_over_a_kill(tmp_path: Path) -> None:
    async with plant(tmp_path) as toys:
        await toys.run(saved(1))
        before = toys.hub.seq
    victim = Victim(tmp_path)
    victim.submit(saved(2))
    victim.kill()
    async with plant(tmp_path) as toys:
        assert toys.hub.seq > before


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("cycles", CYCLES)
async def test_killed_at_random_moments_it_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, cycles: int
) -> None:
    dice = random.Random(cycles)
    ids: list[str] = []
    for _ in range(cycles):
        victim = Victim(tmp_path)
        ids += [victim.submit(saved(len(ids) + n, seconds=0.05)) for n in range(dice.randrange(1, 4))]
        await asyncio.sleep(dice.uniform(0, 1.2))
        victim.kill()
    toys = await settled(tmp_path, ids)
    shown = [item.name for id in ids for item in (await _outputs(tmp_path, id))]
    assert sorted(shown) == [path.name for path in toys.files()]
    assert len(shown) == len(ids)
    assert all(WHOLE.fullmatch(path.read_text()) for path in toys.files())


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("cycles", CYCLES)
async def test_workers_killed_in_mid_node_leave_the_same_bytes(tmp_path: Path, cycles: int) -> None:
    dice = random.Random(cycles)
    async with plant(tmp_path) as toys:
        for value in range(cycles):
            run = await toys.queue.add(saved(value, seconds=0.3))
            await toys.started(run.id)
            await asyncio.sleep(dice.uniform(0, 0.3))
            os.kill(toys.runner.pid or 0, 9)
            assert (await toys.ended(run.id)).state == "succeeded"
        assert [path.read_text()[: len(f"begin {n} 0 .")] for n, path in enumerate(toys.files())] == [
            f"begin {n} 0 ." for n in range(cycles)
        ]


async def _outputs(folder: Path, id: str) -> list[api.ShownItem]:
    async with Database(folder / "photogram.sqlite") as database:
        run = await Queue(database, Hub(database)).get(id)
    assert run is not None
    return [item for output in run.outputs for item in output.items]
