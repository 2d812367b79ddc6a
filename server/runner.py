"""What runs the queue: keeps a worker alive, knows the node types, and passes on what the server asks."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import msgspec

from graph import document
from graph.errors import Problem
from graph.node import NodeSpec
from graph.workflow import Node, Workflow
from server import api, messages
from server.assets import Assets, clear_staging
from server.hub import Hub
from server.process import WorkerProcess
from server.queue import Queue
from server.shift import Limits, NotReady, Shift

__all__ = ["Limits", "LocalRunner", "NotReady", "Runner"]

HOPELESS = 5
"""So many starts without a ready worker count as failed; it is still tried again now and then."""
log = logging.getLogger(__name__)


class Runner(Protocol):
    """Carries out the runs of a queue. Implemented by a worker process on this machine."""

    @property
    def state(self) -> api.WorkerState:
        """How the worker is."""

    @property
    def reason(self) -> str:
        """Why it is not ready, or nothing."""

    @property
    def device(self) -> api.Device | None:
        """What it computes on, once known."""

    async def start(self) -> None:
        """Take back unfinished runs and begin. Returns before the worker is ready."""

    async def stop(self) -> None:
        """End the worker; a run in progress goes back to the queue."""

    def catalog(self) -> api.Catalog | None:
        """The node types there are: from the last start (`stale`) until the worker has answered."""

    async def prepare(self, workflow: Workflow) -> tuple[Workflow, tuple[Problem, ...]]:
        """Bring old node versions up to date and ask the nodes that check their own values.

        Raises NotReady if that needs the worker and it does not answer.
        """

    async def cancel(self, id: str) -> api.Run | None:
        """End a queued run, or stop a running one within seconds. None if there is no such run."""

    async def free(self) -> None:
        """Let go of models and cached results."""


class LocalRunner:
    """A Runner with one worker process on this machine, started again whenever it dies."""

    def __init__(
        self,
        queue: Queue,
        hub: Hub,
        assets: Assets,
        settings: messages.Settings,
        catalog_file: Path,
        limits: Limits | None = None,
    ) -> None:
        self._queue, self._hub, self._assets = queue, hub, assets
        self._settings, self._catalog_file = settings, catalog_file
        self._limits = limits or Limits()
        self._state: api.WorkerState = "starting"
        self._reason = ""
        self._catalog: api.Catalog | None = None
        self._ready = asyncio.Event()
        self._shift: Shift | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def state(self) -> api.WorkerState:
        """How the worker is."""
        return self._state

    @property
    def reason(self) -> str:
        """Why it is not ready, or nothing."""
        return self._reason

    @property
    def device(self) -> api.Device | None:
        """What it computes on, with the memory that was free a few seconds ago."""
        return None if self._shift is None else self._shift.device

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return None if self._shift is None else self._shift.process.pid

    async def start(self) -> None:
        """Take back unfinished runs, clear what was being written, and begin without waiting."""
        await asyncio.to_thread(self._clear_staging)
        self._catalog = await asyncio.to_thread(_read_catalog, self._catalog_file)
        for run in await self._queue.recover():
            log.info("run %s was interrupted by the server's end and is now %s", run.id, run.state)
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """End the worker at its next opportunity; a run in progress goes back to the queue."""
        self._stopping.set()
        if self._shift is not None:
            await self._shift.leave()
        elif self._supervisor is not None:
            self._supervisor.cancel()
        if self._supervisor is not None:
            await asyncio.gather(self._supervisor, return_exceptions=True)

    def catalog(self) -> api.Catalog | None:
        """The node types there are: from the last start (`stale`) until the worker has answered."""
        return self._catalog

    async def prepare(self, workflow: Workflow) -> tuple[Workflow, tuple[Problem, ...]]:
        """Bring old node versions up to date and ask the nodes that check their own values.

        A workflow that needs neither does not wait for the worker. Raises NotReady if one does in vain.
        """
        if self._catalog is not None and not _needs_worker(workflow, self._catalog):
            return workflow, ()
        try:
            await asyncio.wait_for(self._ready.wait(), self._limits.prepare)
        except TimeoutError as error:
            raise NotReady("The worker is still starting. Try again in a moment.") from error
        shift = self._shift
        if shift is None:
            raise NotReady("The worker is being started again. Try again in a moment.")
        prepared = await shift.prepare(document.write(workflow))
        return document.read(prepared.workflow), prepared.problems

    async def cancel(self, id: str) -> api.Run | None:
        """End a queued run, or stop a running one within seconds. None if there is no such run."""
        run = await self._queue.cancel(id)
        if run is not None and run.state == "running" and self._shift is not None:
            self._shift.cancel(id)
        return run

    async def free(self) -> None:
        """Let go of models and cached results."""
        if self._shift is not None:
            self._shift.process.send(messages.Free())

    async def _supervise(self) -> None:
        """Start the worker whenever it ended, with longer pauses the more often it was of no use."""
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            reason, shift = await self._one_shift()
            if self._stopping.is_set():
                return
            if shift is not None and shift.importing is not None:
                self._leave_out(shift.importing, reason)
                continue
            if (shift is not None and shift.useful) or time.monotonic() - began > self._limits.longest_pause:
                failures = 0
            pause = min(self._limits.first_pause * 2**failures, self._limits.longest_pause)
            failures += 1
            log.error("%s It is started again in %.0f s.", reason, pause)
            self._change("failed" if failures >= HOPELESS else "restarting", reason)
            await asyncio.sleep(pause)

    def _leave_out(self, pack: str, reason: str) -> None:
        """Have the next worker start without a pack that ended this one."""
        log.error("the node pack %s is left out until the server starts again: %s", pack, reason)
        told = f"It ended the process while it was imported. {reason}"
        self._settings = replace(self._settings, deadly={**self._settings.deadly, pack: told})

    async def _one_shift(self) -> tuple[str, Shift | None]:
        """One life of a worker: why it ended, and what it did, unless it could not even be started."""
        try:
            process = await WorkerProcess.start(self._settings)
        except OSError as error:
            return f"The worker could not be started: {error}.", None
        self._shift = shift = Shift(
            process, self._queue, self._hub, self._assets, self._limits, self._on_ready
        )
        try:
            reason = await shift.work()
        finally:
            self._shift = None
            self._ready.clear()
            await asyncio.to_thread(self._clear_staging)
        return reason, shift

    def _clear_staging(self) -> None:
        for folder in (self._settings.output, self._settings.temp):
            clear_staging(Path(folder))

    def _on_ready(self, ready: messages.Ready) -> None:
        changed = self._catalog is None or replace(self._catalog, stale=False) != ready.catalog
        self._catalog = ready.catalog
        self._ready.set()
        self._change("ready")
        self._hub.publish(api.CatalogChanged())
        for broken in ready.catalog.broken:
            log.warning("the node pack %s is left out: %s", broken.name, broken.reason)
        if changed:
            keep_catalog(self._catalog_file, ready.catalog)

    def _change(self, state: api.WorkerState, reason: str = "") -> None:
        self._state, self._reason = state, reason
        self._hub.publish(api.WorkerChanged(state, reason))


def _nodes(workflow: Workflow) -> Iterator[Node]:
    for graph in (workflow.graph, *workflow.subgraphs.values()):
        yield from graph.nodes.values()


def _needs_worker(workflow: Workflow, catalog: api.Catalog) -> bool:
    specs: Mapping[str, NodeSpec] = {spec.type: spec for spec in catalog.nodes}
    found = ((node, specs[node.type]) for node in _nodes(workflow) if node.type in specs)
    return any(spec.has_validator or node.version < spec.version for node, spec in found)


def _read_catalog(file: Path) -> api.Catalog | None:
    """The catalog of the last start, unless there is none that this version can read."""
    try:
        return replace(msgspec.json.decode(file.read_bytes(), type=api.Catalog), stale=True)
    except (OSError, msgspec.MsgspecError):
        return None


def keep_catalog(file: Path, catalog: api.Catalog) -> None:
    """Keep it for the next start; that one works without, so a full disk does no harm."""
    fresh = file.with_name(file.name + ".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.encode(catalog))
        fresh.replace(file)
    except OSError as error:
        log.warning("the list of node types could not be kept for the next start: %s", error)
