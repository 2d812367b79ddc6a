import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from graph import document
from server.database import StorageFailed
from server.queue import Queue
from server.runner import Limits, LocalRunner, NotReady
from tests.server.toys import Plant, plant, saved, workflow

HASTY = Limits(hung=0.6, run=1.2, cancel=0.5, stop=0.5, first_pause=0.05, longest_pause=0.2, tick=0.05)


pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def toys(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plant]:
    """One plant for all tests of this module that can share it."""
    async with plant(tmp_path_factory.mktemp("toys")) as toys:
        yield toys


@pytest.fixture
def value() -> int:
    """A number that no other test uses, so that nothing is known of it."""
    return secrets.randbelow(10**9)


@pytest.fixture
def prefix() -> str:
    """The beginning of file names that no other test uses."""
    return f"p{secrets.token_hex(4)}"


def events_of(frames: list[str | bytes]) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in frames if isinstance(frame, str)]


async def heard(toys: Plant, run: str) -> list[str | bytes]:
    """All that is published until the run has finished."""
    listener, frames = toys.hub.subscribe(), []
    async with asyncio.timeout(30):
        async for frame in listener:
            frames.append(frame)
            if isinstance(frame, str) and "run_finished" in frame and run in frame:
                break
    return frames


async def test_a_run_saves_its_file_and_says_so(toys: Plant, prefix: str) -> None:
    run = await toys.run(saved(7, prefix=prefix))
    assert run.state == "succeeded"
    assert [item.name for item in run.outputs[0].items] == [f"{prefix}_00001_.txt"]
    assert toys.files(prefix)[0].read_text().startswith("begin 7 0 ")


async def test_the_events_of_a_run_come_in_order(toys: Plant, value: int) -> None:
    queued = await toys.queue.add(saved(value))
    events = [event for event in events_of(await heard(toys, queued.id)) if event.get("run") == queued.id]
    kinds = [(event["kind"], event.get("node")) for event in events if event["kind"] != "node_progress"]
    assert kinds == [
        ("run_started", None),
        ("node_started", "sleep"), ("node_finished", "sleep"),
        ("node_started", "save"), ("node_finished", "save"),
        ("node_shown", "save"), ("run_finished", None),
    ]  # fmt: skip
    assert events[0]["total"] == 2


async def test_a_picture_holds_the_document_that_made_it(toys: Plant, prefix: str) -> None:
    await toys.run(saved(7, prefix=prefix))
    text = toys.files(prefix)[0].read_text()
    assert json.loads(text[text.index("{") :]) == json.loads(saved(7, prefix=prefix))


async def test_the_same_run_again_shows_the_same_file(toys: Plant, prefix: str) -> None:
    first, second = await toys.run(saved(7, prefix=prefix)), await toys.run(saved(7, prefix=prefix))
    assert first.outputs == second.outputs
    assert len(toys.files(prefix)) == 1


async def test_a_file_that_was_removed_is_made_again(toys: Plant, prefix: str) -> None:
    await toys.run(saved(7, prefix=prefix))
    toys.files(prefix)[0].unlink()
    run = await toys.run(saved(7, prefix=prefix))
    assert [path.name for path in toys.files(prefix)] == [item.name for item in run.outputs[0].items]


async def test_targets_limit_what_is_run(toys: Plant, prefix: str) -> None:
    run = await toys.ended((await toys.queue.add(saved(7, prefix=prefix), targets=["sleep"])).id)
    assert (run.state, run.outputs, toys.files(prefix)) == ("succeeded", (), [])


async def test_a_list_runs_what_follows_once_for_each_item(toys: Plant, prefix: str) -> None:
    save = {"value": {"link": ["many", "INT"]}, "prefix": prefix}
    run = await toys.run(workflow(many={"count": 3}, save=save))
    assert [item.name for item in run.outputs[0].items] == [f"{prefix}_0000{n}_.txt" for n in (1, 2, 3)]
    assert [path.read_text()[:9] for path in toys.files(prefix)] == ["begin 0 0", "begin 1 0", "begin 2 0"]


async def test_computing_threads_sleep_while_they_wait_for_each_other(toys: Plant, prefix: str) -> None:
    asked = {"name": "OMP_WAIT_POLICY", "wanted": "passive"}
    save = {"value": {"link": ["environment", "INT"]}, "prefix": prefix}
    await toys.run(workflow(environment=asked, save=save))
    assert toys.files(prefix)[0].read_text().startswith("begin 1 0")


async def test_a_node_that_raises_fails_the_run_with_its_words(toys: Plant) -> None:
    run = await toys.run(workflow(boom={"text": "Too hot"}, save={"value": {"link": ["boom", "INT"]}}))
    (problem,) = run.problems
    assert (run.state, problem.code, problem.node) == ("failed", "node_failed", "boom")
    assert problem.message == "ValueError: Too hot"
    assert "Traceback" not in problem.message + problem.hint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("slip", "StopIteration"),
        ("leave", "The node tried to end the program."),
        ("leave_later", "The node tried to end the program."),
    ],
)
async def test_whatever_a_node_raises_ends_its_run_and_not_the_worker(
    toys: Plant, name: str, message: str
) -> None:
    document = workflow(**{name: {}}, save={"value": {"link": [name, "INT"]}})
    await toys.run(document)
    worker, run = toys.runner.pid, await toys.run(document)
    assert [problem.message for problem in run.problems] == [message]
    assert toys.runner.pid == worker


async def test_an_error_that_was_foreseen_keeps_message_hint_and_input(toys: Plant) -> None:
    run = await toys.run(workflow(refuse={}, save={"value": {"link": ["refuse", "INT"]}}))
    (problem,) = run.problems
    assert (problem.message, problem.hint, problem.input) == (
        "The number is too odd.",
        "Choose an even one.",
        "value",
    )


async def test_after_a_failure_the_next_run_succeeds(toys: Plant) -> None:
    await toys.run(workflow(boom={}, save={"value": {"link": ["boom", "INT"]}}))
    assert (await toys.run(saved(1))).state == "succeeded"


async def test_a_prefix_that_leaves_the_folder_fails_at_its_node(toys: Plant) -> None:
    run = await toys.run(saved(1, prefix="../../evil"))
    assert (run.state, run.problems[0].node) == ("failed", "save")
    assert not list(toys.folder.parent.rglob("evil*"))


async def test_a_full_disk_while_writing_fails_the_run_in_one_sentence(toys: Plant) -> None:
    run = await toys.run(workflow(fail_to_save={}))
    assert (run.state, [problem.code for problem in run.problems]) == ("failed", ["disk_full"])
    assert list((toys.folder / "output" / ".staging").glob("*/*.txt")) == []


async def test_what_could_not_be_saved_is_saved_by_the_next_run(toys: Plant, prefix: str) -> None:
    blocked = toys.folder / "output" / prefix
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("a file where a folder is wanted")
    (problem,) = (await toys.run(saved(1, prefix=f"{prefix}/a"))).problems
    assert (problem.code, problem.message) == ("not_saved", "The file could not be saved: file exists.")
    blocked.unlink()
    run = await toys.run(saved(1, prefix=f"{prefix}/a"))
    assert [item.name for item in run.outputs[0].items] == [f"{prefix}/a_00001_.txt"]


async def test_the_end_of_a_run_that_finds_no_room_is_stored_when_there_is(tmp_path: Path) -> None:
    strange = {f"n{n}": {"type": f"toys.strange{n}"} for n in range(300)}
    async with plant(tmp_path) as toys:
        first = await toys.queue.add(saved(1, seconds=0.5))
        second = await toys.queue.add(json.dumps({"format": 1, "nodes": strange}))
        await limit_pages(toys, 1)
        await toys.ended(first.id)
        await asyncio.sleep(0.5)
        assert (await toys.queue.get(second.id)).finished is None  # type: ignore[union-attr]
        await limit_pages(toys, 1_000_000)
        assert len((await toys.ended(second.id)).problems) >= 300


@pytest.mark.parametrize("meanwhile", ["the worker lives", "the worker dies"])
async def test_a_database_that_cannot_be_written_for_a_while_stops_nothing_for_good(
    tmp_path: Path, meanwhile: str
) -> None:
    async with plant(tmp_path) as toys:
        run = await toys.queue.add(saved(1, seconds=0.3))
        await toys.started(run.id)
        writer = await toys.database.write(lambda connection: connection)
        writer.execute("pragma query_only = on")
        if meanwhile == "the worker dies":
            os.kill(toys.runner.pid or 0, 9)
        await asyncio.sleep(0.5)
        with pytest.raises(
            StorageFailed, match="The database cannot be used just now: attempt to write a readonly"
        ):
            await toys.queue.add(saved(2))
        writer.execute("pragma query_only = off")
        assert (await toys.ended(run.id)).finished is not None
        assert (await toys.run(saved(2))).state == "succeeded"


async def limit_pages(toys: Plant, count: int) -> None:
    """Leave no room in the database beyond what it has, or that many pages."""
    await toys.database.write(lambda c: c.execute(f"pragma max_page_count = {count}").fetchall())


async def test_what_a_node_prints_does_not_disturb_the_line(toys: Plant) -> None:
    assert (
        await toys.run(workflow(steps={"count": 3}, save={"value": {"link": ["steps", "INT"]}}))
    ).state == "succeeded"


async def test_progress_is_thinned_out_but_the_last_step_is_always_told(toys: Plant) -> None:
    queued = await toys.queue.add(workflow(steps={"count": 1000}, save={"value": {"link": ["steps", "INT"]}}))
    told = [e["done"] for e in events_of(await heard(toys, queued.id)) if e["kind"] == "node_progress"]
    assert told[-1] == 1000
    assert len(told) < 20


async def test_previews_come_while_somebody_listens(toys: Plant) -> None:
    await toys.run(saved(1))
    listener = toys.hub.subscribe()
    await asyncio.sleep(0.3)
    steps = {"count": 30, "pause": 0.02}
    queued = await toys.queue.add(workflow(steps=steps, save={"value": {"link": ["steps", "INT"]}}))
    frames = await heard(toys, queued.id)
    listener.close()
    assert any(isinstance(frame, bytes) and frame.endswith(b"\xff\xd9") for frame in frames)


async def test_the_catalog_arrives_and_is_kept_for_the_next_start(tmp_path: Path) -> None:
    async with plant(tmp_path) as toys:
        assert toys.runner.catalog() is None
        await toys.run(saved(1))
        fresh = toys.runner.catalog()
    async with plant(tmp_path) as toys:
        kept = toys.runner.catalog()
    assert fresh is not None and kept is not None
    assert (fresh.stale, kept.stale, kept.nodes) == (False, True, fresh.nodes)


async def test_a_broken_pack_is_reported_and_the_rest_runs(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "broken.py").write_text("import nothing_of_that_name")
    async with plant(tmp_path) as toys:
        assert (await toys.run(saved(1))).state == "succeeded"
        catalog = toys.runner.catalog()
    assert catalog is not None
    assert [pack.name for pack in catalog.broken] == ["broken"]


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import os; os._exit(3)", "The worker ended with status 3."),
        ("import ctypes; ctypes.string_at(0)", "The worker was ended by SIGSEGV"),
    ],
)
async def test_a_pack_that_ends_the_process_while_it_is_imported_is_left_out(
    tmp_path: Path, source: str, how: str
) -> None:
    (tmp_path / "packs").mkdir()
    for name in ("deadly", "worse"):
        (tmp_path / "packs" / f"{name}.py").write_text(source)
    async with plant(tmp_path) as toys:
        assert (await toys.run(saved(1))).state == "succeeded"
        catalog = toys.runner.catalog()
        assert (await toys.told("worker_changed"))["worker"] == "ready"
    assert catalog is not None
    assert [(pack.name, how in pack.reason) for pack in catalog.broken] == [("deadly", True), ("worse", True)]
    assert catalog.broken[0].reason.startswith("It ended the process while it was imported. ")


async def test_a_pack_that_asks_the_program_to_end_is_listed_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "leaving.py").write_text("import sys\nsys.exit()")
    async with plant(tmp_path) as toys:
        assert (await toys.run(saved(1))).state == "succeeded"
        catalog = toys.runner.catalog()
    assert catalog is not None
    assert [(pack.name, pack.reason) for pack in catalog.broken] == [
        ("leaving", "It tried to end the program (leaving.py, line 2).")
    ]


async def test_an_old_node_is_brought_up_to_date(toys: Plant) -> None:
    old = '{"format": 1, "nodes": {"n": {"type": "toys.number", "version": 1, "inputs": {"old": 4}}}}'
    new, problems = await toys.runner.prepare(document.read(old))
    assert (new.graph.nodes["n"].version, new.graph.nodes["n"].inputs, problems) == (2, {"value": 4}, ())


async def test_what_needs_no_worker_is_prepared_without_one(tmp_path: Path) -> None:
    async with plant(tmp_path) as toys:
        await toys.run(saved(1))
    async with plant(tmp_path, Limits(prepare=0.0)) as toys:
        given = document.read(saved(1))
        assert await toys.runner.prepare(given) == (given, ())
        with pytest.raises(NotReady):
            await toys.runner.prepare(
                document.read(saved(1).replace('"toys.sleep"', '"toys.number", "version": 1'))
            )


async def test_a_running_run_stops_when_asked(toys: Plant, value: int) -> None:
    run = await toys.queue.add(saved(value, seconds=60))
    await toys.started(run.id)
    pid = toys.runner.pid
    await toys.runner.cancel(run.id)
    assert (await toys.ended(run.id, 2)).state == "cancelled"
    assert toys.runner.pid == pid


async def test_an_async_node_stops_when_asked(toys: Plant) -> None:
    run = await toys.queue.add(workflow(wait={"seconds": 60}, save={"value": {"link": ["wait", "INT"]}}))
    await toys.started(run.id)
    await toys.runner.cancel(run.id)
    assert (await toys.ended(run.id, 2)).state == "cancelled"


async def test_a_node_that_listens_to_nobody_is_ended_with_its_worker(toys: Plant) -> None:
    run = await toys.queue.add(
        workflow(stubborn={"seconds": 60}, save={"value": {"link": ["stubborn", "INT"]}})
    )
    await toys.started(run.id)
    await toys.runner.cancel(run.id)
    assert (await toys.ended(run.id, 5)).state == "cancelled"
    assert (await toys.run(saved(2))).state == "succeeded"


async def test_cancelling_one_run_leaves_the_others(toys: Plant, value: int) -> None:
    first, second = await toys.queue.add(saved(value, seconds=60)), await toys.queue.add(saved(2))
    await toys.started(first.id)
    await toys.runner.cancel(first.id)
    assert (await toys.ended(second.id)).state == "succeeded"


async def test_a_worker_killed_in_mid_node_is_replaced_and_the_run_finishes(
    toys: Plant, value: int, prefix: str
) -> None:
    run = await toys.queue.add(saved(value, seconds=1, prefix=prefix))
    await toys.started(run.id)
    assert toys.runner.pid is not None
    os.kill(toys.runner.pid, 9)
    ended = await toys.ended(run.id)
    assert (ended.state, ended.attempt, len(toys.files(prefix))) == ("succeeded", 2, 1)


@pytest.mark.parametrize(("node", "sign"), [("die", "status 3"), ("crash", "SIGSEGV")])
async def test_a_run_that_kills_every_worker_fails_with_the_reason(
    toys: Plant, node: str, sign: str, prefix: str
) -> None:
    inputs = {"notes": str(toys.folder / prefix)} if node == "die" else {}
    deadly = await toys.queue.add(workflow(**{node: inputs}, save={"value": {"link": [node, "INT"]}}))
    after = await toys.queue.add(saved(1))
    ended = await toys.ended(deadly.id)
    assert (ended.state, ended.attempt, ended.problems[0].code) == ("failed", 3, "worker_died")
    assert (sign in ended.problems[0].message, ended.problems[0].node) == (True, node)
    assert (await toys.ended(after.id)).state == "succeeded"


async def test_what_a_dead_worker_left_unfinished_is_removed(toys: Plant, prefix: str) -> None:
    left = toys.folder / "output" / ".staging" / str(toys.runner.pid) / "half.png"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    await toys.run(
        workflow(
            die={"notes": str(toys.folder / prefix), "times": 1}, save={"value": {"link": ["die", "INT"]}}
        )
    )
    assert not left.exists()


async def test_a_run_that_kills_one_worker_gets_another(toys: Plant, prefix: str) -> None:
    inputs = {"notes": str(toys.folder / prefix), "times": 1}
    run = await toys.run(workflow(die=inputs, save={"value": {"link": ["die", "INT"]}}))
    assert (run.state, run.attempt) == ("succeeded", 2)


async def test_a_file_saved_by_a_first_attempt_is_not_saved_twice(toys: Plant, prefix: str) -> None:
    die = {"notes": str(toys.folder / f"{prefix}.notes"), "times": 1}
    early, late = {"prefix": prefix}, {"prefix": prefix, "value": {"link": ["die", "INT"]}}
    run = await toys.run(workflow(a__save=early, die=die, b__save=late))
    assert (run.state, run.attempt, len(toys.files(prefix))) == ("succeeded", 2, 2)


@pytest.mark.parametrize(("node", "reason"), [("hang", "did nothing"), ("spin", "no progress")])
async def test_a_node_that_hangs_is_given_up(tmp_path: Path, node: str, reason: str) -> None:
    inputs = {"seconds": 60} if node == "spin" else {}
    async with plant(tmp_path, HASTY) as toys:
        await toys.queue.add(workflow(**{node: inputs}, save={"value": {"link": [node, "INT"]}}))
        told = await toys.told("worker_changed", "restarting")
    assert reason in told["reason"]


async def test_a_node_that_computes_is_not_taken_for_hung(tmp_path: Path) -> None:
    limits = Limits(hung=0.4, run=60, tick=0.05)
    async with plant(tmp_path, limits) as toys:
        run = await toys.run(workflow(spin={"seconds": 1.0}, save={"value": {"link": ["spin", "INT"]}}))
        assert (run.state, run.attempt) == ("succeeded", 1)


async def test_stopping_the_server_gives_the_run_back(tmp_path: Path) -> None:
    async with plant(tmp_path) as toys:
        run = await toys.queue.add(saved(3, seconds=0.5))
        await toys.started(run.id)
    async with plant(tmp_path) as toys:
        ended = await toys.ended(run.id)
    assert (ended.state, ended.attempt, len(toys.files())) == ("succeeded", 2, 1)


async def test_stopping_does_not_wait_for_a_stubborn_node(tmp_path: Path) -> None:
    async with plant(tmp_path, HASTY) as toys:
        run = await toys.queue.add(
            workflow(stubborn={"seconds": 60}, save={"value": {"link": ["stubborn", "INT"]}})
        )
        await toys.started(run.id)
        began = asyncio.get_running_loop().time()
        await toys.runner.stop()
        assert asyncio.get_running_loop().time() - began < 5
        assert (await toys.queue.get(run.id)).state == "queued"  # type: ignore[union-attr]


async def test_the_state_of_the_worker_is_told(toys: Plant) -> None:
    await toys.run(saved(1))
    assert (toys.runner.state, toys.runner.reason) == ("ready", "")
    device = toys.runner.device
    assert device is not None
    assert (device.kind, device.total_bytes > 0) == ("cpu", True)


async def test_freeing_forgets_results(toys: Plant) -> None:
    await toys.run(saved(1))
    await toys.runner.free()
    queued = await toys.queue.add(saved(1))
    kinds = [event["kind"] for event in events_of(await heard(toys, queued.id))]
    assert "nodes_reused" not in kinds


async def test_an_unknown_node_type_fails_the_run_only(toys: Plant) -> None:
    unknown = '{"format": 1, "nodes": {"a": {"type": "toys.nothing"}}}'
    run = await toys.run(unknown)
    assert run.state == "failed"
    assert "toys.nothing" in run.problems[0].message


async def test_an_input_file_is_found_by_name_and_nothing_outside_is(toys: Plant) -> None:
    (toys.folder / "input").mkdir(exist_ok=True)
    (toys.folder / "input" / "a.txt").write_text("12345")
    read = lambda name: workflow(read={"name": name}, save={"value": {"link": ["read", "INT"]}})  # noqa: E731
    assert (await toys.run(read("a.txt"))).state == "succeeded"
    run = await toys.run(read("../photogram.sqlite"))
    assert (run.state, run.problems[0].node) == ("failed", "read")


async def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    async with plant(tmp_path, builtin_nodes=True, device="mps") as toys:
        await toys.told("worker_changed", "There is no device mps here. Choose another with --device: auto, ")
        assert toys.runner.state in ("restarting", "failed")


class Impatient(Queue):
    """A queue in which somebody cancels a run in the very moment after it was asked whether anybody did."""

    runner: LocalRunner

    async def is_cancelling(self, id: str) -> bool:
        answer = await super().is_cancelling(id)
        await self.runner.cancel(id)
        return answer


async def test_a_wish_to_cancel_that_comes_while_the_run_begins_is_kept_without_ending_the_worker(
    tmp_path: Path,
) -> None:
    async with plant(tmp_path, Limits(cancel=20.0, tick=0.05), Impatient) as toys:
        toys.queue.runner = toys.runner  # type: ignore[attr-defined]
        run = await toys.ended((await toys.queue.add(saved(1, seconds=60))).id)
        assert (run.state, run.finished - run.started < 20) == ("cancelled", True)  # type: ignore[operator]
