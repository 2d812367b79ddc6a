"""/v1/runs: what is accepted is durable, what is wrong is told in full."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from tests.server.served import document, picture, problem, served

Client = Any


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


async def submit(client: Client, workflow: dict[str, Any] | None = None, **more: Any) -> Any:
    return await client.post("/v1/runs", json={"workflow": workflow or document()} | more)


async def test_a_valid_workflow_is_queued(client: Client) -> None:
    answer = await submit(client, title="Two cats")
    run = await answer.json()
    assert (answer.status, answer.headers["Location"]) == (201, f"/v1/runs/{run['id']}")
    assert (run["state"], run["title"], run["position"]) == ("queued", "Two cats", 0)


async def test_a_queued_run_survives_the_server(tmp_path: Path) -> None:
    async with served(tmp_path) as client:
        id = (await (await submit(client)).json())["id"]
    async with served(tmp_path) as client:
        assert (await (await client.get(f"/v1/runs/{id}")).json())["state"] == "queued"


async def test_the_document_is_kept_as_it_was_queued(client: Client) -> None:
    run = await (await submit(client, values={"empty.seed": 2**64 - 1})).json()
    queued = json.loads(await (await client.get(f"/v1/runs/{run['id']}/workflow")).text())
    assert queued["nodes"]["empty"]["inputs"] == {"seed": 2**64 - 1}


async def test_the_flat_form_of_the_field_is_accepted(client: Client) -> None:
    flat = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    assert (await submit(client, flat)).status == 201


async def test_every_fault_is_told_at_once(client: Client) -> None:
    answer = await submit(client, document(width=0, strength=5, seed=-1))
    problems = (await answer.json())["problems"]
    assert (answer.status, {each["input"] for each in problems}) == (422, {"width", "strength", "seed"})
    assert all(each["node"] == "empty" and each["message"].endswith(".") for each in problems)


async def test_what_was_refused_is_not_queued(client: Client) -> None:
    await submit(client, document(width=0))
    assert (await (await client.get("/v1/runs")).json())["items"] == []


def linked(*links: tuple[str, str, str]) -> dict[str, Any]:
    data = document()
    for node, source, output in links:
        data["nodes"].setdefault(node, {"type": "SaveImage"}).setdefault("inputs", {})["images"] = {
            "link": [source, output]
        }
    return data


@pytest.mark.parametrize(
    "workflow",
    [
        linked(("save", "save", "IMAGE")),
        linked(("save", "nowhere", "IMAGE")),
        linked(("save", "empty", "NOTHING")),
        {"format": 1, "nodes": {"1": {"type": "NoSuchNode"}}},
        {"format": 1, "nodes": {"save": {"type": "SaveImage"}}},
    ],
)
async def test_a_fault_in_the_wiring_names_its_node(client: Client, workflow: dict[str, Any]) -> None:
    answer = await submit(client, workflow)
    named = {each["node"] in workflow["nodes"] for each in (await answer.json())["problems"]}
    assert (answer.status, named) == (422, {True})


@pytest.mark.parametrize("workflow", [{"format": 2}, {"format": 1, "nodes": {"": {"type": "X"}}}, {"a": 1}])
async def test_what_is_no_workflow_is_told_as_such(client: Client, workflow: dict[str, Any]) -> None:
    assert await problem(await submit(client, workflow)) == (422, "unreadable_workflow")


async def test_too_many_nodes_are_refused(client: Client) -> None:
    nodes = {str(number): {"type": "EmptyImage"} for number in range(10_001)}
    assert (await submit(client, {"format": 1, "nodes": nodes})).status == 422


async def test_a_name_that_means_something_to_a_browser_is_just_a_name(client: Client) -> None:
    data = document()
    data["nodes"]["__proto__"] = data["nodes"].pop("empty")
    data["nodes"]["save"]["inputs"]["images"]["link"][0] = "__proto__"
    assert (await submit(client, data)).status == 201


async def test_pages_of_runs_follow_each_other(client: Client) -> None:
    ids = [(await (await submit(client)).json())["id"] for _ in range(5)]
    first = await (await client.get("/v1/runs?limit=3")).json()
    rest = await (await client.get("/v1/runs", params={"limit": 3, "before": first["next"]})).json()
    assert [run["id"] for run in (*first["items"], *rest["items"])] == ids[::-1]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=٣", "limit=1e1", "state=asleep"])
async def test_a_strange_query_is_refused(client: Client, query: str) -> None:
    assert (await client.get(f"/v1/runs?{query}")).status == 400


async def test_a_queued_run_is_cancelled(client: Client) -> None:
    id = (await (await submit(client)).json())["id"]
    run = await (await client.post(f"/v1/runs/{id}/cancel")).json()
    assert run["state"] == "cancelled"
    assert (await (await client.post(f"/v1/runs/{id}/cancel")).json())["state"] == "cancelled"


async def test_all_that_wait_are_cancelled_at_once(client: Client) -> None:
    ids = {(await (await submit(client)).json())["id"] for _ in range(3)}
    ended = await (await client.post("/v1/runs/cancel", json={"state": "queued"})).json()
    assert {run["id"] for run in ended["items"]} == ids
    assert (await (await client.get("/v1/runs?state=queued")).json())["items"] == []


async def test_only_waiting_runs_can_be_cancelled_by_state(client: Client) -> None:
    assert (await client.post("/v1/runs/cancel", json={"state": "running"})).status == 422


@pytest.mark.parametrize("path", ["", "/workflow"])
async def test_a_run_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert await problem(await client.get(f"/v1/runs/{'0' * 32}{path}")) == (404, "not_found")


async def test_urgent_runs_go_to_the_front(client: Client) -> None:
    await submit(client)
    assert (await (await submit(client, front=True)).json())["position"] == 0


async def test_with_too_little_room_on_the_disk_nothing_new_is_taken_and_work_can_be_saved(
    tmp_path: Path,
) -> None:
    form = FormData()
    form.add_field("file", picture(), filename="a.png")
    async with served(tmp_path, min_free_bytes=2**60) as client:
        run, upload = await submit(client), await client.post("/v1/files", data=form)
        saved = await client.put("/v1/workflows/mine", json=document(), headers={"If-None-Match": "*"})
        (told,) = (await run.json())["problems"]
        assert (await problem(upload), told["code"], run.status) == ((507, "disk_full"), "disk_full", 507)
    assert saved.status == 201
    assert told["message"].endswith("GB are free on the disk of the data folder; 1152921504.6 GB are needed.")


async def test_a_page_after_a_run_that_never_was_is_refused(client: Client) -> None:
    assert await problem(await client.get(f"/v1/runs?before={'0' * 32}")) == (400, "wrong_kind")


async def test_a_value_for_nothing_is_refused_with_the_names_there_are(client: Client) -> None:
    answer = await submit(client, values={"nope": 1})
    (told,) = (await answer.json())["problems"]
    assert (told["message"], told["hint"]) == (
        "The workflow has no input 'nope'.",
        "An input is written NODE.INPUT.",
    )
