"""Bodies within their limits, refusals of one shape, headers on every answer."""

import errno
import gzip
import json
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from server.app import TABLES
from server.http import (
    HEADERS,
    NO_BODY,
    Route,
    add_routes,
    canonical,
    check_declared,
    depth_exceeds,
    refusals,
)
from server.openapi import operation
from tests.server.served import document, problem, served

Client = Any
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_form_is_no_json(client: Client, kind: str) -> None:
    data = json.dumps({"workflow": document()})
    answer = await client.post("/v1/runs", data=data, headers={"Content-Type": kind})
    assert await problem(answer) == (415, "wrong_content_type")


async def test_a_body_without_a_type_is_no_json(client: Client) -> None:
    answer = await client.post("/v1/runs", data=b"{}", skip_auto_headers=["Content-Type"])
    assert answer.status == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"workflow": NaN}',
        b'{"workflow": 1e400}',
        b'"\\ud800"',
        b"\xff\xfe",
        b"9" * 100_000,
        b'{"a":1,"a":2}',
    ],
)
async def test_what_is_not_json_is_refused(client: Client, body: bytes) -> None:
    assert await problem(await client.post("/v1/runs", data=body, headers=JSON)) == (400, "not_json")


@pytest.mark.parametrize("depth", [65, 5_000, 500_000])
async def test_deep_json_is_refused(client: Client, depth: int) -> None:
    body = b"[" * depth + b"]" * depth
    assert await problem(await client.post("/v1/runs", data=body, headers=JSON)) == (400, "too_deep")


async def test_json_of_another_shape_is_refused(client: Client) -> None:
    assert await problem(await client.post("/v1/runs", json={"workflow": 5})) == (422, "wrong_kind")


async def test_a_large_body_is_refused_by_its_length(client: Client) -> None:
    answer = await client.post("/v1/runs/cancel", data=b" " * 1_000_001, headers=JSON)
    assert await problem(answer) == (413, "too_large")


async def test_a_large_body_of_unknown_length_is_refused(client: Client) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    answer = await client.post("/v1/runs/cancel", data=parts(), headers=JSON)
    assert answer.status == 413


async def test_a_compressed_bomb_is_refused_without_unpacking_it_all(client: Client) -> None:
    bomb = gzip.compress(b" " * 60_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await client.post("/v1/runs/cancel", data=bomb, headers=JSON | {"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


@pytest.mark.parametrize("path", ["/v1/runs", "/v1/files", "/v1/import"])
async def test_a_body_that_cannot_be_unpacked_is_refused(client: Client, path: str) -> None:
    kind = "multipart/form-data; boundary=x" if path == "/v1/files" else "application/json"
    headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
    assert await problem(await client.post(path, data=b"no gzip", headers=headers)) == (400, "bad_body")


async def test_a_misspelt_field_is_refused(client: Client) -> None:
    answer = await client.post("/v1/runs", json={"workflow": document(), "target": ["save"]})
    (told,) = (await answer.json())["problems"]
    assert (answer.status, told["code"], told["hint"]) == (422, "unknown_field", "Did you mean 'targets'?")
    assert told["message"] == "A body of this kind has no field 'target'."


EVERY = [route for table in TABLES for route in table.ROUTES]
READ = {canonical(route.path) for route in EVERY if route.method == "GET"}
ONLY_WRITTEN = [route for route in EVERY if canonical(route.path) not in READ]


def example(route: Route) -> str:
    """An address of the route, of things that are not there."""
    return canonical(route.path).format(id="0" * 32, name="none.png", folder="output")


@pytest.mark.parametrize("route", ONLY_WRITTEN, ids=lambda route: route.path)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_what_changes_something_is_not_done_by_asking(
    client: Client, method: str, route: Route
) -> None:
    answer = await client.request(method, example(route))
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("route", EVERY, ids=lambda route: f"{route.method} {route.path}")
async def test_no_route_fails_or_tells_where_things_lie(client: Client, tmp_path: Path, route: Route) -> None:
    answer = await client.request(route.method, example(route), data=b"\0")
    text = await answer.read()
    assert answer.status < 500
    if route.path.startswith("/v1/"):
        assert str(answer.status) in operation(route)["responses"]
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert (str(tmp_path).encode() in text, b"Traceback" in text) == (False, False)


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1/nothing", "/v1/runs/xyz", "/v1/", "/assets/x.js", "/v1/files/etc/passwd"]
)
async def test_an_unknown_address_is_a_problem_too(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status, list(await answer.json())) == (404, ["problems"])


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/v1/system", "/v1/runs", "/v1/files/output/no.png", "/v1/openapi.json"]
)
async def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)


async def test_a_fault_of_the_server_tells_nothing_of_its_inside() -> None:
    async def broken(request: web.Request) -> web.Response:
        raise ValueError(f"secret of {__file__}")

    app = web.Application(middlewares=[refusals])
    app.router.add_get("/", broken)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/")
        assert await problem(answer) == (500, "internal")
        assert "secret" not in await answer.text()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_is_told_as_such(number: int) -> None:
    async def full(request: web.Request) -> web.Response:
        raise OSError(number, "no space")

    app = web.Application(middlewares=[refusals])
    app.router.add_get("/", full)
    async with TestClient(TestServer(app)) as client:
        assert await problem(await client.get("/")) == (507, "disk_full")


async def test_before_the_first_worker_answered_the_client_is_asked_to_wait(tmp_path: Path) -> None:
    async with served(tmp_path, catalog=None) as client:
        answer = await client.get("/v1/nodes")
        assert await problem(answer) == (503, "starting")
        assert answer.headers["Retry-After"] == "2"


def test_a_route_that_declares_nothing_stops_the_start() -> None:
    app = web.Application()
    add_routes(app, [Route("GET", "/a", forgotten, NO_BODY)])
    check_declared(app)
    app.router.add_get("/b", forgotten)
    with pytest.raises(RuntimeError, match="/b declares no access"):
        check_declared(app)


async def forgotten(request: web.Request) -> web.Response:
    """Never called."""
    return web.Response()


def test_patterns_of_paths_are_bare_in_the_table() -> None:
    assert canonical("/v1/runs/{id:[0-9a-f]{32}}/x/{name:.+}") == "/v1/runs/{id}/x/{name}"


@given(
    st.recursive(
        st.text('[]{}"\\a'),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{\\"'), inner, max_size=2),
    )
)
def test_depth_counts_lists_and_objects_but_no_brackets_in_texts(value: Any) -> None:
    def depth(value: Any) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    text = json.dumps(value).encode()
    assert not depth_exceeds(text, depth(value))
    assert depth(value) == 0 or depth_exceeds(text, depth(value) - 1)
