"""Use the worker without a server: for the commands that render a workflow or ask what nodes there are."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from graph import document
from graph.errors import InvalidWorkflow
from graph.workflow import Workflow
from server import api, places
from server.app import local_runner
from server.assets import Assets
from server.config import PROGRAM, Config
from server.database import Database
from server.folders import Folders
from server.hub import Hub
from server.queue import Queue
from server.runner import LocalRunner, keep_catalog
from server.submission import check

Watcher = Callable[[Mapping[str, Any]], None]


class WorkerUnavailable(Exception):
    """The worker does not start; the message says why."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A worker with a queue of its own, in a folder that is removed afterwards."""

    config: Config
    hub: Hub
    queue: Queue
    runner: LocalRunner

    async def catalog(self) -> api.Catalog:
        """The node types, once the worker has told. Raises WorkerUnavailable."""
        with closing(self.hub.subscribe(self.hub.seq)) as events:
            while (catalog := self.runner.catalog()) is None or self.runner.state != "ready":
                event = json.loads(await anext(events))
                if event["kind"] == "worker_changed" and event["worker"] in ("failed", "restarting"):
                    raise WorkerUnavailable(event["reason"])
        return catalog

    async def render(self, workflow: Workflow, targets: Sequence[str] | None, watch: Watcher) -> api.Run:
        """Carry out one run, telling its events. Raises InvalidWorkflow before anything runs."""
        specs = {spec.type: spec for spec in (await self.catalog()).nodes}
        workflow, found = await self.runner.prepare(workflow)
        if any(not problem.warning for problem in found):
            raise InvalidWorkflow(found)
        made = {"output": self.config.output, "temp": self.config.temp}
        check(workflow, specs, targets, Folders(self.config.models, self.config.input, made))
        with closing(self.hub.subscribe(self.hub.seq)) as events:
            run = await self.queue.add(document.write(workflow), targets=targets)
            async for frame in events:
                if isinstance(frame, bytes):
                    continue
                event = json.loads(frame)
                watch(event)
                if event["kind"] == "run_finished" and event["run"] == run.id:
                    break
        ended = await self.queue.get(run.id)
        assert ended is not None
        return ended


@asynccontextmanager
async def bench(config: Config) -> AsyncIterator[Bench]:
    """Start a worker. Results go to the config's output folder; the queue is a temporary one."""
    with tempfile.TemporaryDirectory(prefix="photogram-") as data:
        config = replace(config, data=Path(data))
        places.prepare(config)
        async with Database(config.data / "queue.sqlite") as database:
            hub = Hub(database)
            await hub.start()
            queue = Queue(database, hub)
            runner = local_runner(config, queue, hub, Assets(database, config.output, config.temp))
            await runner.start()
            try:
                yield Bench(config, hub, queue, runner)
            finally:
                await runner.stop()
                await hub.stop()


async def catalog(config: Config) -> api.Catalog:
    """The node types: those kept from the last start if no node changed since, else the worker's answer."""
    kept = config.data / "catalog.json"
    if kept.is_file() and kept.stat().st_mtime > newest_change(config):
        try:
            return msgspec.json.decode(kept.read_bytes(), type=api.Catalog)
        except msgspec.MsgspecError:
            pass  # written by another version; the worker knows better
    async with bench(config) as started:
        found = await started.catalog()
    keep_catalog(kept, found)
    return found


def newest_change(config: Config) -> float:
    """When a file that defines nodes changed last."""
    folders = (PROGRAM / "nodes", PROGRAM / "graph", config.custom_nodes)
    return max((path.stat().st_mtime for folder in folders for path in folder.rglob("*.py")), default=0.0)


def moved(run: api.Run, output: Path, target: Path) -> list[Path]:
    """Move the pictures of a run to `target`: a folder, or a file name that further pictures number on."""
    items = [item for shown in run.outputs for item in shown.items if item.kind == "image" and item.name]
    made: list[Path] = []
    for number, item in enumerate((item for item in items if item.folder == "output"), start=1):
        name = Path(item.name).name if target.is_dir() else _numbered(target, number).name
        path = (target if target.is_dir() else target.parent) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(output / item.name, path)
        made.append(path)
    return made


def _numbered(target: Path, number: int) -> Path:
    return target if number == 1 else target.with_name(f"{target.stem}_{number}{target.suffix}")
