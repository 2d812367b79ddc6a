import asyncio
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graph.events import NodeProgress, NodeShown, NodeStarted
from server import api
from server.database import Database
from server.hub import BACKLOG_BYTES, KEPT, Hub, Subscription


async def take(subscription: Subscription, count: int) -> list[Any]:
    frames = [await asyncio.wait_for(anext(subscription), 2) for _ in range(count)]
    return [json.loads(frame) if isinstance(frame, str) else frame for frame in frames]


async def test_every_event_gets_the_next_number_and_names_its_run(hub: Hub) -> None:
    listener = hub.subscribe()
    hub.publish(NodeStarted("a"), "r1")
    hub.publish(api.QueueChanged(1, 0))
    first, second = await take(listener, 2)
    assert first == {"seq": 1, "run": "r1", "kind": "node_started", "node": "a"}
    assert second == {"seq": 2, "kind": "queue_changed", "queued": 1, "running": 0}


async def test_who_comes_back_gets_what_it_missed_and_nothing_twice(hub: Hub) -> None:
    for node in "abcd":
        hub.publish(NodeStarted(node), "r")
    missed = await take(hub.subscribe(after=2), 2)
    assert [event["node"] for event in missed] == ["c", "d"]


async def test_who_comes_in_mid_run_can_be_told_it_from_its_beginning(hub: Hub) -> None:
    hub.publish(api.QueueChanged(1, 0))
    assert hub.running_from == hub.seq
    hub.publish(api.RunStarted("r", attempt=1, total=2), "r")
    hub.publish(NodeStarted("a"), "r")
    told = await take(hub.subscribe(after=hub.running_from), 2)
    assert [event["kind"] for event in told] == ["run_started", "node_started"]
    hub.publish(api.RunFinished("r", "succeeded", 1.0), "r")
    assert hub.running_from == hub.seq


async def test_who_missed_nothing_gets_nothing(hub: Hub) -> None:
    last = hub.publish(NodeStarted("a"), "r")
    listener = hub.subscribe(after=last)
    hub.publish(NodeStarted("b"), "r")
    assert [event["node"] for event in await take(listener, 1)] == ["b"]


async def test_who_missed_more_than_is_kept_is_told_to_read_anew(hub: Hub) -> None:
    for number in range(KEPT + 5):
        hub.publish(api.QueueChanged(number, 0))
    assert await take(hub.subscribe(after=4), 1) == [{"kind": "resync", "seq": KEPT + 5}]


async def test_who_knows_a_number_of_the_future_is_told_to_read_anew(hub: Hub) -> None:
    assert await take(hub.subscribe(after=99), 1) == [{"kind": "resync", "seq": 0}]


async def test_progress_that_was_not_fetched_is_replaced_by_newer(hub: Hub) -> None:
    listener = hub.subscribe()
    for done in range(1, 4):
        hub.publish(NodeProgress("a", done, 3), "r")
        hub.publish(NodeProgress("b", done, 3), "r")
    events = await take(listener, 2)
    assert [(event["node"], event["done"]) for event in events] == [("a", 3), ("b", 3)]


async def test_of_the_previews_of_a_run_the_newest_wins(hub: Hub) -> None:
    listener = hub.subscribe()
    for done in (1, 2):
        hub.show(api.PreviewHeader("r", "a", done, 9, "image/jpeg"), b"picture%d" % done)
    (frame,) = await take(listener, 1)
    length = int.from_bytes(frame[:4], "big")
    assert json.loads(frame[4 : 4 + length]) == {
        "run": "r",
        "node": "a",
        "done": 2,
        "total": 9,
        "mime": "image/jpeg",
    }
    assert frame[4 + length :] == b"picture2"


async def test_who_never_reads_is_dropped_and_harms_nobody(hub: Hub) -> None:
    stuck, reader = hub.subscribe(), hub.subscribe()
    big = {"kind": "text", "text": "x" * 100_000}
    for _ in range(BACKLOG_BYTES // 100_000 + 1):
        hub.publish(NodeShown("a", (big,)), "r")
        await take(reader, 1)
    assert stuck.lagged
    assert hub.listeners == 1


async def test_a_closed_subscription_ends(hub: Hub) -> None:
    listener = hub.subscribe()
    listener.close()
    assert [frame async for frame in listener] == []


async def test_waiting_for_an_event_ends_when_one_comes(hub: Hub) -> None:
    waiting = asyncio.create_task(take(hub.subscribe(), 1))
    await asyncio.sleep(0)
    hub.publish(NodeStarted("late"), "r")
    assert (await waiting)[0]["node"] == "late"


async def test_numbers_go_on_right_after_a_clean_stop(tmp_path: Path) -> None:
    async with Database(tmp_path / "a") as database:
        hub = Hub(database)
        await hub.start()
        last = [hub.publish(NodeStarted("a"), "r") for _ in range(3)][-1]
        await hub.stop()
        again = Hub(database)
        await again.start()
        assert again.publish(NodeStarted("b"), "r") == last + 1


async def test_numbers_never_go_back_when_there_was_no_clean_stop(tmp_path: Path) -> None:
    async with Database(tmp_path / "a") as database:
        hub = Hub(database)
        await hub.start()
        for _ in range(70_000):
            last = hub.publish(NodeStarted("a"), "r")
        await asyncio.sleep(0.2)
        again = Hub(database)
        await again.start()
        assert again.publish(NodeStarted("b"), "r") > last


@given(before=st.integers(0, 40), after=st.integers(0, 40))
def test_a_reader_that_comes_back_at_any_number_has_no_gap(before: int, after: int) -> None:
    async def story() -> list[int]:
        hub = Hub(Database(Path("unused")))
        hub._reserved = 10**9
        for _ in range(40):
            hub.publish(NodeStarted("a"), "r")
        return [event["seq"] for event in await take(hub.subscribe(after=before), 40 - before)]

    assert asyncio.run(story()) == list(range(before + 1, 41))
