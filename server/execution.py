"""One document, run in the worker: planned, computed, and what it shows handed over to the server."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from graph import document
from graph.cache import Cache
from graph.catalog import Catalog
from graph.defaults import with_defaults
from graph.errors import Interrupted, InvalidWorkflow, NodeFailed, Problem, WorkflowError
from graph.events import Event, NodeFinished, NodeShown
from graph.execute import Run, execute
from graph.failure import is_foreseen, problem_of, told
from graph.flatten import flatten
from graph.node import Implementation
from graph.plan import plan
from graph.states import States
from graph.upgrade import upgrade
from graph.validate import problems as faults
from graph.workflow import Json
from server import messages
from server.assets import Item
from server.hosting import SAVED, Scope, happened

T = TypeVar("T")
State: TypeAlias = Literal["succeeded", "failed", "cancelled"]
log = logging.getLogger(__name__)


class NotKept(Exception):
    """The server could not keep what a node made."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True)
class Engine:
    """What runs share: the nodes, their results and states, and the one thread that computes."""

    catalog: Catalog
    implementations: Mapping[str, Implementation]
    cache: Cache
    device_thread: ThreadPoolExecutor
    states: States = field(default_factory=States)
    busy: bool = False

    async def call_sync(self, function: Callable[[], T]) -> T:
        """Run a synchronous node on the device thread."""
        self.busy = True
        try:
            return await asyncio.get_running_loop().run_in_executor(self.device_thread, function)
        finally:
            self.busy = False


class Execution:
    """A run of one document. `run` computes it; `kept` is told the server's answers."""

    def __init__(self, order: messages.Execute, engine: Engine, scope: Scope) -> None:
        self.order, self.scope = order, scope
        self._engine = engine
        self._shown: dict[str, list[Item]] = {}
        self._shows: asyncio.Queue[NodeShown] = asyncio.Queue()
        self._answer: asyncio.Future[messages.Kept] | None = None

    async def run(self) -> None:
        """Compute the targets. When this returns, the server has kept everything that was shown."""
        engine, scope = self._engine, self.scope
        workflow = upgrade(document.read(self.order.workflow), engine.catalog)
        graph = with_defaults(flatten(workflow, engine.catalog.specs), engine.catalog.specs)
        found = faults(graph, engine.catalog.specs, self.order.targets)
        if grave := [problem for problem in found if not problem.warning]:
            raise InvalidWorkflow(grave)
        planned = plan(graph, engine.catalog.specs, self.order.targets)
        scope.send(messages.Began(self.order.run, len(planned.order)))
        engine.states.keep_only(graph.nodes)
        await asyncio.to_thread(scope.shelf.check)
        run = Run(
            planned,
            engine.implementations,
            engine.cache,
            engine.states,
            scope.host,
            self._emit,
            engine.call_sync,
            scope.stop.is_set,
        )
        showing = asyncio.create_task(self._show_all())
        try:
            await self._compute(run, showing)
            joining = asyncio.create_task(self._shows.join())
            await asyncio.wait([joining, showing], return_when=asyncio.FIRST_COMPLETED)
            joining.cancel()
            if showing.done():
                showing.result()
        finally:
            showing.cancel()
            scope.shelf.drop_unnamed()

    def kept(self, answer: messages.Kept) -> None:
        """The server's answer to what was last shown."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    async def _compute(self, run: Run, showing: "asyncio.Task[None]") -> None:
        """Compute the targets; if something that was shown cannot be kept, stop and raise that."""
        computing = asyncio.create_task(execute(run))
        await asyncio.wait([computing, showing], return_when=asyncio.FIRST_COMPLETED)
        if showing.done():
            self.scope.stop.set()
            with suppress(Interrupted, NodeFailed):
                await computing
            showing.result()
        await computing

    def _emit(self, event: Event) -> None:
        """Pass an event on; files that a node shows first need their names."""
        self.scope.sign()
        if isinstance(event, NodeShown):
            self._shows.put_nowait(event)
            return
        if isinstance(event, NodeFinished):
            self.scope.flush(event.node)
        self.scope.send(happened(self.scope.run, event))

    async def _show_all(self) -> None:
        while True:
            event = await self._shows.get()
            await self._show(event.node, event.items)
            self._shows.task_done()

    async def _show(self, node: str, shown: tuple[Mapping[str, Json], ...]) -> None:
        """Hand everything the node has shown so far to the server. Raises NodeFailed or NotKept."""
        saved = [self.scope.shelf.find(item) if SAVED in item else None for item in shown]
        items = self._shown.setdefault(node, [])
        begin = len(items)
        for item, file in zip(shown, saved, strict=True):
            if file is None:
                items.extend([] if SAVED in item else [Item(item)])
            elif file.shown is not None:
                items.append(Item(file.shown))
            else:
                await _encoded(node, file.encoded)
                items.append(file.item)
        answer = await self._ask(messages.Show(self.order.run, node, tuple(items)))
        if answer.problem is not None:
            raise NotKept(answer.problem)
        items[:] = [Item(kept) for kept in answer.items]
        files = [
            file for item, file in zip(shown, saved, strict=True) if not (SAVED in item and file is None)
        ]
        for file, kept in zip(files, answer.items[begin:], strict=True):
            if file is not None:
                file.shown = kept

    async def _ask(self, show: messages.Show) -> messages.Kept:
        self._answer = asyncio.get_running_loop().create_future()
        self.scope.send(show)
        return await self._answer


async def _encoded(node: str, job: Any) -> None:
    """Wait until a file is written. Raises NodeFailed."""
    encoded = asyncio.wrap_future(job)
    await asyncio.wait([encoded])
    if (error := encoded.exception()) is not None:
        raise NodeFailed(node, error) from error


def outcome(error: BaseException | None) -> tuple[State, tuple[Problem, ...]]:
    """How a run ended that raised this, or nothing."""
    match error:
        case None:
            return "succeeded", ()
        case Interrupted() | asyncio.CancelledError():
            return "cancelled", ()
        case NodeFailed():
            return "failed", (failure(error),)
        case NotKept():
            return "failed", (error.problem,)
        case InvalidWorkflow():
            return "failed", error.problems
        case WorkflowError():
            return "failed", (error.problem(),)
    log.error("a run ended in a way nobody foresaw", exc_info=error)
    hint = "This is a mistake in the program. The server's log says where."
    return "failed", (Problem("unexpected", f"The run ended with {told(error)}.", hint),)


def failure(failed: NodeFailed) -> Problem:
    """What a person reads about a node that failed. Of what is no mistake of theirs, the log has more."""
    if not is_foreseen(failed.cause):
        log.error("node %s failed", failed.node, exc_info=failed.cause)
    return problem_of(failed)
