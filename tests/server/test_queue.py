import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import Problem
from server import api
from server.database import Database
from server.hub import Hub
from server.queue import ENDED, MOST_DEATHS, Counts, Queue


async def test_an_accepted_run_waits_with_its_place(queue: Queue) -> None:
    first = await queue.add("{}", "one")
    second = await queue.add("{}", "two")
    assert (first.state, first.position, second.position) == ("queued", 0, 1)


async def test_an_accepted_run_is_there_after_opening_again(queue: Queue, database: Database) -> None:
    run = await queue.add('{"format": 1}', "kept")
    reopened = Queue(database, Hub(database))
    assert await reopened.get(run.id) == run
    assert await reopened.workflow(run.id) == '{"format": 1}'


async def test_ids_cannot_be_guessed(queue: Queue) -> None:
    ids = [(await queue.add("{}")).id for _ in range(20)]
    assert len(set(ids)) == 20
    assert min(map(len, ids)) == 32


async def test_runs_are_claimed_in_the_order_they_came(queue: Queue) -> None:
    runs = [await queue.add("{}", title) for title in "abc"]
    claimed = [(await queue.claim("w")).run.id for _ in runs]
    assert claimed == [run.id for run in runs]


async def test_a_run_for_the_front_is_claimed_first(queue: Queue) -> None:
    await queue.add("{}", "patient")
    urgent = await queue.add("{}", "urgent", front=True)
    assert urgent.position == 0
    assert (await queue.claim("w")).run.id == urgent.id


async def test_a_claim_carries_the_document_and_the_targets(queue: Queue) -> None:
    await queue.add('{"format": 1}', targets=["a", "b:c"])
    claim = await queue.claim("w")
    assert (claim.workflow, claim.targets, claim.run.attempt) == ('{"format": 1}', ("a", "b:c"), 1)


async def test_a_claim_waits_for_a_run(queue: Queue) -> None:
    waiting = asyncio.create_task(queue.claim("w"))
    await asyncio.sleep(0.05)
    run = await queue.add("{}")
    assert (await asyncio.wait_for(waiting, 2)).run.id == run.id


async def test_no_run_is_claimed_twice(queue: Queue) -> None:
    runs = {(await queue.add("{}")).id for _ in range(30)}
    claims = await asyncio.gather(*(queue.claim(f"w{n}") for n in range(30)))
    assert {claim.run.id for claim in claims} == runs


async def test_a_run_ends_once(queue: Queue) -> None:
    await queue.add("{}")
    claim = await queue.claim("w")
    problem = Problem("node_failed", "It broke.", node="a")
    ended = await queue.finish(claim.run.id, 1, "failed", [problem])
    assert ended is not None
    assert (ended.state, ended.problems) == ("failed", (problem,))
    assert await queue.finish(claim.run.id, 1, "succeeded") is None


async def test_a_worker_that_was_given_up_can_finish_nothing(queue: Queue) -> None:
    run = await queue.add("{}")
    await queue.claim("slow")
    await queue.give_back("slow", "It died.", died=True)
    assert (await queue.claim("other")).run.attempt == 2
    assert await queue.finish(run.id, 1, "succeeded") is None
    assert (await queue.finish(run.id, 2, "succeeded")) is not None


async def test_a_run_under_which_workers_keep_dying_fails_with_the_reason(queue: Queue) -> None:
    run = await queue.add("{}")
    for _ in range(MOST_DEATHS):
        await queue.claim("w")
        await queue.give_back("w", "The worker was ended by SIGSEGV.", died=True)
    ended = await queue.get(run.id)
    assert ended is not None
    assert (ended.state, ended.attempt, ended.problems[0].code) == ("failed", 3, "worker_died")
    assert "SIGSEGV" in ended.problems[0].message


async def test_a_stopped_server_is_not_counted_against_the_run(queue: Queue) -> None:
    run = await queue.add("{}")
    for _ in range(MOST_DEATHS + 2):
        await queue.claim("w")
        await queue.give_back("w", "", died=False)
    waiting = await queue.get(run.id)
    assert waiting is not None
    assert waiting.state == "queued"


async def test_a_run_given_back_keeps_its_place(queue: Queue) -> None:
    first, second = await queue.add("{}"), await queue.add("{}")
    await queue.claim("w")
    await queue.give_back("w", "", died=True)
    assert [(await queue.get(run.id)).position for run in (first, second)] == [0, 1]  # type: ignore[union-attr]


async def test_a_restart_takes_back_what_was_running(queue: Queue) -> None:
    await queue.add("{}")
    claim = await queue.claim("w")
    assert [run.id for run in await queue.recover()] == [claim.run.id]
    assert (await queue.claim("w2")).run.attempt == 2


async def test_a_queued_run_is_cancelled_at_once(queue: Queue) -> None:
    run = await queue.add("{}")
    cancelled = await queue.cancel(run.id)
    assert cancelled is not None
    assert (cancelled.state, await queue.counts()) == ("cancelled", Counts(0, 0))


async def test_the_wish_to_cancel_a_running_run_holds_over_a_restart(queue: Queue) -> None:
    run = await queue.add("{}")
    await queue.claim("w")
    assert (await queue.cancel(run.id)).state == "running"  # type: ignore[union-attr]
    assert [again.state for again in await queue.recover()] == ["cancelled"]


async def test_cancelling_what_ended_changes_nothing(queue: Queue) -> None:
    run = await queue.add("{}")
    await queue.claim("w")
    await queue.finish(run.id, 1, "succeeded")
    assert (await queue.cancel(run.id)).state == "succeeded"  # type: ignore[union-attr]


async def test_cancelling_the_queue_leaves_the_running_run(queue: Queue) -> None:
    await queue.add("{}")
    await queue.claim("w")
    waiting = [await queue.add("{}") for _ in range(3)]
    assert [run.id for run in await queue.cancel_queued()] == [run.id for run in waiting]
    assert await queue.counts() == Counts(0, 1)


async def test_pages_hold_every_run_once_newest_first(queue: Queue) -> None:
    runs = [(await queue.add("{}")).id for _ in range(7)]
    seen: list[str] = []
    page = await queue.list(limit=3)
    while page.next:
        seen += [run.id for run in page.items]
        page = await queue.list(limit=3, before=page.next)
    assert seen + [run.id for run in page.items] == runs[::-1]


async def test_a_page_can_hold_one_state_only(queue: Queue) -> None:
    done, waiting = await queue.add("{}"), await queue.add("{}")
    await queue.claim("w")
    await queue.finish(done.id, 1, "succeeded")
    assert [run.id for run in (await queue.list("queued")).items] == [waiting.id]


async def test_an_unknown_run_is_none(queue: Queue) -> None:
    assert (await queue.get("x"), await queue.workflow("x"), await queue.cancel("x")) == (None, None, None)


async def test_the_hub_hears_of_a_run_from_its_beginning_to_its_end(queue: Queue, hub: Hub) -> None:
    listener = hub.subscribe()
    run = await queue.add("{}", "t")
    await queue.claim("w")
    await queue.finish(run.id, 1, "succeeded")
    events = [json.loads(str(await anext(listener))) for _ in range(5)]
    kinds = ["run_queued", "queue_changed", "queue_changed", "run_finished", "queue_changed"]
    assert [event["kind"] for event in events] == kinds
    assert events[3]["state"] == "succeeded"


async def test_ten_thousand_waiting_runs_are_listed_and_cancelled_quickly(
    queue: Queue, database: Database
) -> None:
    def fill(connection: Any) -> None:
        rows = [(f"r{n}", "{}", float(n)) for n in range(10_000)]
        connection.executemany("insert into run (id, workflow, created) values (?, ?, ?)", rows)

    await database.write(fill)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await queue.list(limit=50)
    listed = loop.time()
    assert len(await queue.cancel_queued()) == 10_000
    assert (listed - began, loop.time() - listed) < (1, 5)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["add", "front", "claim", "finish", "die", "leave", "restart", "cancel", "cancel all"]
        )
    )
)
def test_whatever_happens_every_accepted_run_is_in_one_known_state(steps: list[str]) -> None:
    ended: dict[str, api.RunState] = {}
    for accepted, states in asyncio.run(_story(steps)):
        assert set(states) == accepted
        assert {id: states[id] for id in ended} == ended
        assert list(states.values()).count("running") <= 1
        ended = {id: state for id, state in states.items() if state in ENDED}


async def _story(steps: list[str]) -> list[tuple[set[str], dict[str, api.RunState]]]:
    """After each step the runs that were accepted until then, and the state of each run there is."""
    told = []
    with tempfile.TemporaryDirectory() as folder:
        async with Database(Path(folder) / "a") as database:
            hub = Hub(database)
            await hub.start()
            queue = Queue(database, hub)
            accepted: set[str] = set()
            for step in steps:
                await _step(queue, step, accepted)
                runs = (await queue.list(limit=1000)).items
                told.append((set(accepted), {run.id: run.state for run in runs}))
    return told


async def _step(queue: Queue, step: str, accepted: set[str]) -> None:
    """One thing that may happen to a queue with one worker."""
    runs = (await queue.list(limit=1000)).items
    running = [run for run in runs if run.state == "running"]
    waiting = [run for run in runs if run.state == "queued"]
    match step:
        case "add" | "front":
            accepted.add((await queue.add("{}", front=step == "front")).id)
        case "claim" if waiting and not running:
            await queue.claim("w")
        case "finish" if running:
            assert await queue.finish(running[0].id, running[0].attempt, "succeeded")
        case "die" | "leave":
            await queue.give_back("w", "It died.", died=step == "die")
        case "restart":
            await queue.recover()
        case "cancel" if runs:
            await queue.cancel(runs[0].id)
        case "cancel all":
            await queue.cancel_queued()
