"""The whole application on a real port, over a runner that only knows a few node types and runs nothing."""

import io
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from graph.errors import Problem
from graph.node import Input, NodeSpec, Output, Widget
from graph.workflow import Workflow
from server import api
from server.app import application, parts_of
from server.config import Config
from server.queue import Queue

SPECS = (
    NodeSpec(
        "EmptyImage",
        inputs=(
            Input("width", "INT", Widget("number", low=1, high=8192), default=64),
            Input("strength", "FLOAT", Widget("number", low=0.0, high=1.0), default=1.0),
            Input("seed", "INT", Widget("seed", low=0, high=2**64 - 1), default=0),
        ),
        outputs=(Output("IMAGE", "IMAGE"),),
    ),
    NodeSpec(
        "LoadImage",
        inputs=(Input("image", "COMBO", Widget("file", folder="input", upload=True)),),
        outputs=(Output("IMAGE", "IMAGE"),),
    ),
    NodeSpec(
        "CheckpointLoaderSimple",
        inputs=(Input("ckpt_name", "COMBO", Widget("file", folder="checkpoints")),),
        outputs=(Output("IMAGE", "IMAGE"),),
    ),
    NodeSpec(
        "SaveImage",
        inputs=(
            Input("images", "IMAGE"),
            Input("filename_prefix", "STRING", Widget("text"), default="image"),
        ),
        terminal=True,
    ),
)


CATALOG = api.Catalog(SPECS)


class IdleRunner:
    """A Runner whose worker never takes a run."""

    state: api.WorkerState = "ready"
    reason = ""
    device = api.Device("cpu", "a quiet one")

    def __init__(self, queue: Queue, catalog: api.Catalog | None) -> None:
        self._queue, self._catalog = queue, catalog

    async def start(self) -> None:
        """Nothing begins."""

    async def stop(self) -> None:
        """Nothing ends."""

    def catalog(self) -> api.Catalog | None:
        return self._catalog

    async def prepare(self, workflow: Workflow) -> tuple[Workflow, tuple[Problem, ...]]:
        return workflow, ()

    async def cancel(self, id: str) -> api.Run | None:
        return await self._queue.cancel(id)

    async def free(self) -> None:
        """Nothing is held."""


def config_in(folder: Path, **settings: Any) -> Config:
    places = {name: folder / name for name in ("input", "output", "data", "custom_nodes")}
    return Config(**({"port": 0, "models": (folder / "models",)} | places | settings))


@asynccontextmanager
async def served(
    folder: Path, catalog: api.Catalog | None = CATALOG, **settings: Any
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A client of the application, with all its data in `folder`."""
    parts = parts_of(config_in(folder, **settings))
    app = application(replace(parts, runner=IdleRunner(parts.queue, catalog)))
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


def document(**inputs: Any) -> dict[str, Any]:
    """An empty picture that is saved."""
    return {
        "format": 1,
        "nodes": {
            "empty": {"type": "EmptyImage", "inputs": inputs},
            "save": {"type": "SaveImage", "inputs": {"images": {"link": ["empty", "IMAGE"]}}},
        },
    }


def picture(format: str = "PNG", size: tuple[int, int] = (8, 6), color: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, format)
    return buffer.getvalue()


def png_that_says(width: int, height: int) -> bytes:
    """The head of a PNG of any size, with no pixels behind it."""
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n\0\0\0\x0d"
        + head
        + zlib.crc32(head).to_bytes(4, "big")
        + b"\0\0\0\0IEND\xaeB`\x82"
    )


async def problem(answer: Any) -> tuple[int, str]:
    """The status of a refusal, and the code of its first problem."""
    return answer.status, (await answer.json())["problems"][0]["code"]
