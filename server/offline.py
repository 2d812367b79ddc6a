"""Use the worker without a server: for the commands that render a workflow or ask what nodes there are."""

import json
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
from server.assets import Assets, next_name
from server.config import PROGRAM, Config
from server.database import Database
from server.files import write_durably
from server.folders import Folders
from server.hub import Hub
from server.queue import Queue
from server.runner import LocalRunner, keep_catalog
from server.submission import check

Watcher = Callable[[Mapping[str, Any]], None]


class WorkerUnavailable(Exception):
    """The worker does not start; the message says why."""


class NotWritten(Exception):
    """A picture could not be put where it was asked for; `hint` says where it is instead."""

    def __init__(self, path: Path, error: OSError, kept: Sequence[Path]) -> None:
        super().__init__(f"{path} cannot be written: {(error.strerror or str(error)).lower()}.")
        self.hint = f"What was made is kept as {', '.join(map(str, kept))}."


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
        folders = Folders(self.config.models, self.config.input, made)
        for warning in check(workflow, specs, targets, folders):
            watch({"kind": "node_problem", "node": warning.node, "problem": msgspec.to_builtins(warning)})
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
        kept, config = config.data, replace(config, data=Path(data))
        places.prepare(config)
        async with Database(config.data / "queue.sqlite") as database:
            hub = Hub(database)
            await hub.start()
            queue = Queue(database, hub)
            assets = Assets(database, config.output, config.temp)
            runner = local_runner(config, queue, hub, assets, kept)
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


def moved(run: api.Run, output: Path, target: Path, spare: Path) -> list[Path]:
    """Move the files of a run to `target`: a folder, or a file name that further files number on.

    What is neither picture nor video, such as weights, keeps the ending of its own name.
    Raises NotWritten if there is no room, say; that file and the rest are then in `spare`.
    """
    items = [item for shown in run.outputs for item in shown.items if item.kind != "text" and item.name]
    items = [item for item in items if item.folder == "output"]
    made: list[Path] = []
    for number, item in enumerate(items, start=1):
        path = target / Path(item.name).name if target.is_dir() else _numbered(target, number)
        path = path.with_suffix(Path(item.name).suffix) if item.kind == "file" else path
        try:
            write_durably(path, (output / item.name).read_bytes())
        except OSError as error:
            kept = [_kept(output / each.name, spare) for each in items[number - 1 :]]
            raise NotWritten(path, error, kept) from error
        made.append(path)
    return made


def _kept(picture: Path, spare: Path) -> Path:
    spare.mkdir(parents=True, exist_ok=True)
    path = spare / next_name(spare, picture.stem.rstrip("_0123456789") or "photogram", picture.suffix)
    write_durably(path, picture.read_bytes())
    return path


def _numbered(target: Path, number: int) -> Path:
    return target if number == 1 else target.with_name(f"{target.stem}_{number}{target.suffix}")
