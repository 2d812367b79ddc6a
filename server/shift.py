"""One worker's working life: it takes run after run from the queue until its process ends."""

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from graph.errors import Problem
from graph.events import NodeShown, NodeStarted
from server import api, messages
from server.assets import Assets
from server.database import StorageFailed
from server.files import UnsafeName
from server.hub import Hub
from server.process import WorkerProcess
from server.queue import Claim, Queue

T = TypeVar("T")
IDLE_SHARE = 0.01
"""A node that uses a smaller share of one processor than this does nothing."""
LAST_WORDS_SECONDS = 2.0
"""How long the pipe of a worker that ended is read on, should a child of it hold it open."""
log = logging.getLogger(__name__)


class NotReady(Exception):
    """The worker is needed and does not answer yet; asking again later helps."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what may take, in seconds.

    start: until the nodes are imported.
    hung: a node that neither reports progress nor computes. run: without progress, whatever the node does.
    cancel: from the wish to stop until the worker is ended. stop: the same when the server stops.
    first_pause, longest_pause: between two starts of a worker that dies. disk: between tries to store.
    """

    start: float = 600.0
    hung: float = 60.0
    run: float = 30 * 60.0
    cancel: float = 5.0
    stop: float = 10.0
    prepare: float = 30.0
    first_pause: float = 1.0
    longest_pause: float = 60.0
    tick: float = 1.0
    disk: float = 2.0


class Shift:
    """Hands claimed runs to one worker process, and its events, results and last words on to the rest."""

    def __init__(
        self,
        process: WorkerProcess,
        queue: Queue,
        hub: Hub,
        assets: Assets,
        limits: Limits,
        on_ready: Callable[[messages.Ready], None],
    ) -> None:
        self.process, self.useful = process, False
        self.device: api.Device | None = None
        self.importing: str | None = None
        """The node pack that the worker imports just now; of one that ended, the pack that ended it."""
        self._queue, self._hub, self._assets = queue, hub, assets
        self._limits, self._on_ready = limits, on_ready
        self._name = secrets.token_hex(8)
        self._leaving = False
        self._claim: Claim | None = None
        self._node: str | None = None
        self._over: asyncio.Future[messages.Ended] = asyncio.get_running_loop().create_future()
        self._asked: dict[int, asyncio.Future[messages.Prepared]] = {}
        self._numbers = itertools.count()
        self._jobs: set[asyncio.Task[Any]] = set()
        self._claiming: asyncio.Task[None] | None = None
        self._watched = False
        self._last = messages.Heartbeat(0, 0.0, False, api.Device("", ""))
        self._last_sign = self._last_life = self._last_heard = time.monotonic()

    async def work(self) -> str:
        """Serve until the process ends. Returns why it did; the run it left is back in the queue or ended."""
        watching = asyncio.create_task(self._watch())
        listening = asyncio.create_task(self._listen())
        reason = await self.process.ended()
        await asyncio.wait([listening], timeout=LAST_WORDS_SECONDS)
        died = self._claim is not None and not self._leaving
        self.useful |= died  # a run that ends every worker is given up by itself, without ever longer pauses
        tasks = [task for task in (watching, listening, self._claiming) if task is not None]
        for task in tasks:
            task.cancel()
        for answer in tuple(self._asked.values()):
            answer.cancel()
        await asyncio.gather(*tasks, *self._jobs, return_exceptions=True)
        await self._insist(lambda: self._queue.give_back(self._name, reason, died=died, node=self._node))
        return reason

    async def _listen(self) -> None:
        try:
            async for message in self.process.messages():
                self._hear(message)
        except messages.Broken as error:
            self.process.kill(f"The worker could not be understood: {error}")

    async def leave(self) -> None:
        """Take no more runs, and stop the worker at its next opportunity."""
        self._leaving = True
        if self._claiming is not None and self._claim is None:
            self._claiming.cancel()
        await self.process.wind_down(self._limits.stop)

    async def prepare(self, workflow: str) -> messages.Prepared:
        """Have the worker bring a document up to date and check it. Raises NotReady if it does not answer."""
        number = next(self._numbers)
        self._asked[number] = answer = asyncio.get_running_loop().create_future()
        self.process.send(messages.Prepare(number, workflow))
        try:
            return await asyncio.wait_for(answer, self._limits.prepare)
        except (TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not answer.cancelled():
                raise
            raise NotReady("The worker did not answer. Try again in a moment.") from error
        finally:
            self._asked.pop(number)

    def cancel(self, run: str) -> None:
        """Stop the run, if it is the one at work: cooperatively, else with the whole process."""
        if self._is_current(run):
            self.process.send(messages.Stop(run))
            self._spawn(self._kill_later(run))

    async def _kill_later(self, run: str) -> None:
        await asyncio.wait([self._over], timeout=self._limits.cancel)
        if self._is_current(run) and not self._over.done():
            self.process.kill("The run was cancelled and its node did not stop.")

    async def _claim_runs(self) -> None:
        while not self._leaving:
            self._claim = await self._insist(lambda: self._queue.claim(self._name))
            if self._claim is not None:
                await self._carry_out(self._claim)
            self._claim = None
            self.useful = True

    def _claimed(self, task: "asyncio.Task[None]") -> None:
        """The end of claiming; an unforeseen one ends the worker, so that a new one goes on."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("runs can no longer be claimed", exc_info=error)
            self.process.kill("The queue could not be read.")

    async def _carry_out(self, claim: Claim) -> None:
        """Have the worker execute the run and note how it ended."""
        run, self._node = claim.run, None
        self._over = asyncio.get_running_loop().create_future()
        self._last_sign = self._last_life = time.monotonic()
        self.process.send(messages.Execute(run.id, run.attempt, claim.workflow, claim.targets))
        if await self._queue.is_cancelling(run.id):  # only now: a wish that comes later finds it at work
            self.cancel(run.id)
        await asyncio.shield(self._spawn(self._finish(await self._over)))

    async def _finish(self, ended: messages.Ended) -> None:
        """Store the end of a run."""
        if ended.state == "cancelled" and self._leaving and not await self._queue.is_cancelling(ended.run):
            return  # stopped with the server, not by a person: it goes back to the queue
        await self._insist(lambda: self._queue.finish(ended.run, ended.attempt, ended.state, ended.problems))

    async def _insist(self, write: Callable[[], Awaitable[T]]) -> T | None:
        """Write to the database, again and again until the disk takes it or the server stops."""
        while True:
            try:
                return await write()
            except StorageFailed as error:
                log.error("the queue waits: %s", error.message)
                if self._leaving:
                    return None
                await asyncio.sleep(self._limits.disk)

    def _hear(self, message: messages.ToServer) -> None:
        """Act on what the worker says. About another run than the present one it is not believed."""
        match message:
            case messages.Importing(pack):
                self.importing = pack
            case messages.Ready():
                self.importing, self.device = None, message.device
                self._on_ready(message)
                self._claiming = asyncio.create_task(self._claim_runs())
                self._claiming.add_done_callback(self._claimed)
            case messages.Unable(reason):
                self.process.kill(reason)
            case messages.Heartbeat():
                self._beat(message)
            case messages.Prepared():
                answer = self._asked.get(message.number)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            case messages.Ended() if not self._over.done() and self._is_current(message.run):
                self._over.set_result(message)
            case _:
                self._hear_of_run(message)

    def _hear_of_run(self, message: messages.ToServer) -> None:
        match message:
            case messages.Began(run, total) if self._claim is not None and self._is_current(run):
                self._hub.publish(api.RunStarted(run, self._claim.run.attempt, total))
            case messages.Happened(run, event) if self._is_current(run):
                told = messages.event(event)
                if isinstance(told, NodeStarted):
                    self._node = told.node
                self._hub.publish(told, run)
            case messages.Show(run) if self._is_current(run):
                self._spawn(self._keep(message))
            case messages.Previewed(about, picture) if self._is_current(about.run):
                self._hub.show(about, picture)

    async def _keep(self, show: messages.Show) -> None:
        """Store what a node shows, tell the world, and tell the worker how it went."""
        try:
            items = await self._assets.keep(show.run, show.node, show.items)
        except (StorageFailed, UnsafeName, OSError) as error:
            self.process.send(messages.Kept(show.run, show.node, problem=_not_kept(show.node, error)))
            return
        self._hub.publish(NodeShown(show.node, items), show.run)
        self.process.send(messages.Kept(show.run, show.node, items))

    def _is_current(self, run: str) -> bool:
        return self._claim is not None and self._claim.run.id == run

    def _beat(self, beat: messages.Heartbeat) -> None:
        """Judge by two heartbeats whether the worker did anything between them."""
        now, before = time.monotonic(), self._last
        share = (beat.cpu_seconds - before.cpu_seconds) / max(now - self._last_heard, 1e-3)
        if beat.signs != before.signs:
            self._last_sign = self._last_life = now
        if not beat.busy or share > IDLE_SHARE:
            self._last_life = now
        self.device, self._last, self._last_heard = beat.device, beat, now

    async def _watch(self) -> None:
        """Tell the worker whether anybody looks, and end it when it hangs."""
        while True:
            if self._watched != bool(self._hub.listeners):
                self._watched = not self._watched
                self.process.send(messages.Watch(self._watched))
            if reason := self._hangs():
                log.error("%s", reason)
                await self.process.kill_with_stack(reason)
            await asyncio.sleep(self._limits.tick)

    def _hangs(self) -> str:
        """Why the worker is to be given up, or nothing."""
        now = time.monotonic()
        if self._claiming is None and now - self._last_heard > self._limits.start:
            return f"The nodes were not imported within {self._limits.start:.0f} seconds."
        if self._claim is None:
            return ""
        if self._last_heard - self._last_life > self._limits.hung:
            return f"A node did nothing for {self._limits.hung:.0f} seconds, so the worker was ended."
        if now - self._last_sign > self._limits.run:
            return (
                f"The run made no progress for {self._limits.run / 60:.0f} minutes, so the worker was ended."
            )
        return ""

    def _spawn(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        return task


def _not_kept(node: str, error: Exception) -> Problem:
    if isinstance(error, StorageFailed):
        return Problem(error.code, error.message, error.hint, node)
    if isinstance(error, UnsafeName):
        return Problem("unsafe_name", str(error), "Choose another prefix.", node)
    reason = (getattr(error, "strerror", None) or type(error).__name__).lower()
    return Problem("not_saved", f"The file could not be saved: {reason}.", "Look at the output folder.", node)
