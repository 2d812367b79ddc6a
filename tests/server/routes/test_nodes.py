"""/v1/nodes, /v1/models and /v1/system: what there is to work with."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.server.served import SPECS, document, served

Client = Any


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


async def test_every_node_type_is_described(client: Client) -> None:
    catalog = await (await client.get("/v1/nodes")).json()
    assert [each["type"] for each in catalog["nodes"]] == [spec.type for spec in SPECS]


async def test_a_catalog_that_did_not_change_is_not_sent_again(client: Client) -> None:
    etag = (await client.get("/v1/nodes")).headers["ETag"]
    assert (await client.get("/v1/nodes", headers={"If-None-Match": etag})).status == 304


async def test_models_are_listed_by_kind(client: Client, tmp_path: Path) -> None:
    (tmp_path / "models" / "loras").mkdir(parents=True)
    (tmp_path / "models" / "loras" / "a.safetensors").touch()
    assert (await (await client.get("/v1/models")).json())["folders"]["loras"] == ["a.safetensors"]


async def test_the_state_of_the_server_is_told(client: Client) -> None:
    await client.post("/v1/runs", json={"workflow": document()})
    state = await (await client.get("/v1/system")).json()
    assert (state["worker"], state["queued"], state["running"], state["seq"] > 0) == ("ready", 1, 0, True)


async def test_the_published_schema_accepts_a_workflow_and_no_nonsense(client: Client) -> None:
    schema = await (await client.get("/v1/schema/workflow.json")).json()
    jsonschema.validate(document(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"format": 1, "nodes": 5}, schema)
