"""Compute the targets of a plan: shared results once, known results never, one synchronous node at a time.

Nodes are demanded from the targets upwards, depth first, on an explicit stack: a node that lacks an input
waits, what it lacks goes on the stack, and when that is done the node goes back on top. So no workflow is too
deep, and a lazy input costs nothing until its node asks for it. Only `async` nodes run as tasks.
"""

import asyncio
import operator
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from graph.ahead import ahead
from graph.cache import Cache, Items, Known
from graph.call import Caller, CallSync, call_node, inline, wanted_next
from graph.errors import Interrupted, NodeFailed, Problem, WorkflowError
from graph.events import Event, NodeFinished, NodeProblem, NodeShown, NodesReused, NodeStarted
from graph.expand import MOST_EXPANDED, Join, unfold
from graph.failure import problem_of
from graph.held import Held
from graph.jobs import HostFor, Job, document_jobs, set_base_keys
from graph.keys import is_fresh, origin_keys, output_key, result_key
from graph.lack import require_whole
from graph.mapping import all_blocked, differ, pieces
from graph.node import Blocked, From, Implementation, Result
from graph.plan import Plan
from graph.stack import Stack
from graph.states import States

_POLL_SECONDS = 0.05


@dataclass(slots=True)
class Run:
    """Everything one run needs, and nothing it has to look for.

    `call_sync` runs synchronous nodes (on the device thread, say); `cancelled` is asked between nodes.
    """

    plan: Plan
    implementations: Mapping[str, Implementation]
    cache: Cache
    states: States
    host_for: HostFor
    emit: Callable[[Event], None]
    call_sync: CallSync = inline
    cancelled: Callable[[], bool] = bool


async def execute(run: Run) -> dict[str, tuple[Items, ...]]:
    """Compute the targets; gives the items of each of their outputs.

    Raises NodeFailed with the node of the document that failed, and Interrupted if the run was cancelled.
    What was computed until then stays in the cache.
    """
    execution = _Execution(run)
    try:
        await execution.prepare()
        await execution.drive()
    except NodeFailed as failed:
        run.emit(NodeProblem(failed.node, problem_of(failed)))
        raise
    finally:
        await execution.stop()
    return {target: execution.held[target].outputs for target in run.plan.targets}


class _Execution:
    """One run under way."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.held = Held(run.plan.readers, run.plan.targets)
        self.jobs = self.held.jobs
        self.stack = Stack(self.held.__contains__)
        self.asked: dict[str, set[str]] = {}
        self.joins: dict[str, Join] = {}
        self.started: dict[str, float] = {}
        self.reported: dict[int, Blocked] = {}
        self.tasks: dict[str, asyncio.Task[list[Result | Blocked]]] = {}
        self.finished: deque[str] = deque()
        self.fetchers: dict[str, list[tuple[str, asyncio.Future[None]]]] = {}
        self.fetching: Counter[str] = Counter()
        self.wake = asyncio.Event()
        self.expanded = 0
        self.caller = Caller(run.host_for, run.call_sync, self.check)

    async def prepare(self) -> None:
        """Find the keys of all nodes, tell which results are known, and hold on to those to be read."""
        run = self.run
        run.states.keep_only(run.plan.graph.nodes)
        self.jobs.update(document_jobs(run.plan, run.implementations))
        await self._set_keys(self.jobs)
        known = {node: found for node, job in self.jobs.items() if (found := run.cache.get(job.origin))}
        if known:
            run.emit(NodesReused(tuple(known)))
        for node, found in known.items():
            if found.shown:
                run.emit(NodeShown(node, found.shown))
        pending, seen = list(run.plan.targets), set(run.plan.targets)
        pinned: list[str] = []
        while pending:
            node = pending.pop()
            if node in known:
                pinned.append(node)
                continue
            above = {source for source, _ in self.jobs[node].sources.values()} - seen
            seen |= above
            pending.extend(above)
        for node in pinned:
            self.held.values[node] = known[node]
        for node in pinned:
            require_whole(self.jobs[node], known[node], run.plan.targets, self.jobs, self.held)
            self.held.hold(node, known[node])

    async def drive(self) -> None:
        """Compute until every target is known."""
        plan = self.run.plan
        self.stack.demand(plan.targets)
        self.stack.demand(ahead(plan.order, plan.targets, self.jobs, self.held.values.keys()))
        while self.stack or self.tasks:
            self.check()
            if self.tasks:
                await asyncio.sleep(0)
            while self.finished:
                await self._take_task(self.finished.popleft())
            if self.stack:
                await self._visit_next()
            elif self.tasks:
                await self._idle()
        if stuck := [node for node in self.run.plan.targets if node not in self.held]:
            raise self._deadlock(next(iter(self.joins), stuck[0]))

    async def stop(self) -> None:
        """End the tasks that are still running."""
        for task in self.tasks.values():
            task.cancel()
        if self.tasks:
            done, _ = await asyncio.wait(self.tasks.values(), timeout=10)
            for task in done:
                if not task.cancelled():
                    task.exception()

    def check(self) -> None:
        """Raise Interrupted if the run was cancelled."""
        if self.run.cancelled():
            raise Interrupted

    async def _visit_next(self) -> None:
        taken = self.stack.take()
        if taken is None:
            return
        node, is_new = taken
        job = self.jobs[node]
        if not self.held.wants(node):
            self.stack.forget(node)
            return
        self.held.begin(node)
        if node in self.joins:
            self._complete(job, self.joins.pop(node))
            return
        if is_new and (known := self.run.cache.get(job.origin)):
            self._reuse(job, known)
            return
        if self.stack.wait(node, await self._lacking(job)):
            return
        if job.files:
            await self._read_names(job)
        key = job.actual = self._key(job)
        if key != job.origin and not is_fresh(key) and (known := self.run.cache.get(key)):
            self._keep(job, key, known)
            self._reuse(job, known)
            return
        await self._compute(job)

    async def _lacking(self, job: Job) -> list[str]:
        """The nodes to compute before this one: its inputs, of the lazy ones those it asks for."""
        asked = self.asked.setdefault(job.id, set())
        while True:
            sources = (link[0] for name, link in job.sources.items() if name not in job.lazy or name in asked)
            lacking = [source for source in sources if source not in self.held]
            if lacking or job.lazy <= asked:
                return lacking
            wanted = await wanted_next(self.caller, job, self._arrived(job), self._state(job))
            if not wanted:
                return []
            asked.update(wanted)

    async def _idle(self) -> None:
        """Wait until a task is done or asks for something; look up from time to time for a cancelled run."""
        self.wake.clear()
        if self.finished or self.stack:
            return
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self.wake.wait()
        except TimeoutError:
            if all(self.fetching[node] for node in self.tasks):
                raise self._deadlock(next(iter(self.joins), next(iter(self.tasks)))) from None

    def _deadlock(self, node: str) -> NodeFailed:
        cause = WorkflowError("Nodes that were added while the workflow ran wait for each other.")
        return NodeFailed(self.jobs[node].root, cause)

    async def _compute(self, job: Job) -> None:
        arrived = self._arrived(job)
        if not all_blocked(arrived, job.whole):
            self.started[job.id] = time.perf_counter()
            if not job.quiet:
                self.run.emit(NodeStarted(job.shown_as))
            if differ(arrived, job.whole):
                self._tell(
                    job,
                    "lengths_differ",
                    "Lists of different lengths meet here. The shorter one repeats its last item.",
                )
        calls = call_node(self.caller, job, arrived, self._state(job), partial(self._fetch, job))
        if job.implementation.spec.is_async:
            self.stack.run(job.id)
            self.tasks[job.id] = task = asyncio.create_task(calls)
            task.add_done_callback(partial(self._task_done, job.id))
        else:
            await self._take(job, await calls)

    def _task_done(self, node: str, _: object) -> None:
        self.finished.append(node)
        self.wake.set()

    async def _take_task(self, node: str) -> None:
        task, job = self.tasks[node], self.jobs[node]
        if task.cancelled():
            raise NodeFailed(job.root, RuntimeError("The node cancelled itself."))
        results = task.result()
        del self.tasks[node]
        await self._take(job, results)

    async def _fetch(self, job: Job, name: str) -> Items:
        """The items of a lazy input; whoever awaits them has the nodes above computed."""
        source, output = job.sources[name]
        if source not in self.held:
            future = asyncio.get_running_loop().create_future()
            self.fetchers.setdefault(source, []).append((job.id, future))
            self.fetching[job.id] += 1
            self.stack.demand([source])
            self.wake.set()
            await future
        self.asked[job.id].add(name)
        return self.held.output(source, output)[0]

    async def _take(self, job: Job, results: list[Result | Blocked]) -> None:
        """What the calls of a node gave: done, or to be joined with what expanded nodes will give."""
        messages = [one for one in results if isinstance(one, Blocked) and one.message is not None]
        for blocked in messages:
            if id(blocked) not in self.reported:
                self.reported[id(blocked)] = blocked
                self._tell(job, "blocked", str(blocked.message))
        made = [result for result in results if isinstance(result, Result)]
        try:
            calls = tuple(tuple(pieces(result, job.implementation.spec.outputs)) for result in results)
            shown = tuple(item for result in made for item in result.shown)
            join = Join(calls, shown, keeps=bool(made) and not messages)
            if any(result.expand for result in made) or any(
                isinstance(one, From) for call in calls for one in call
            ):
                await self._unfold(job, made, join)
            else:
                self._complete(job, join)
        except WorkflowError as error:
            raise NodeFailed(job.root, error) from error

    async def _unfold(self, job: Job, made: list[Result], join: Join) -> None:
        jobs, join.targets = unfold(job, made, self.jobs, self.run.implementations)
        self.expanded += len(jobs)
        if self.expanded > MOST_EXPANDED:
            raise WorkflowError(
                f"The node keeps adding nodes: more than {MOST_EXPANDED:,} in one run.",
                "Check the condition that ends the loop.",
            )
        self.held.add(jobs)
        self.held.read(join.targets)
        await self._set_keys(jobs)
        self.joins[job.id] = join
        if not self.stack.wait(job.id, join.targets):
            self._complete(job, self.joins.pop(job.id))

    def _complete(self, job: Job, join: Join) -> None:
        """Put the outputs of all calls together, keep the result, and tell."""
        key, arrived = self._key(job) if job.lazy else job.actual, self._linked(job)
        outputs: list[Items] = []
        keys: list[str] = []
        for index, output in enumerate(job.implementation.spec.outputs):
            parts = [self._resolved(call[index]) for call in join.calls]
            items = parts[0][0] if len(parts) == 1 else tuple(item for part, _ in parts for item in part)
            same = parts[0][1] if len(parts) == 1 else None
            outputs.append(items)
            keys.append(same or _key_of_same(items, arrived) or output_key(key, output.name))
        inner = (
            self.held[target].shown for target in join.targets if self.jobs[target].shown_as == job.shown_as
        )
        shown = (*join.shown, *(item for items in inner for item in items))
        known = Known(tuple(outputs), tuple(keys), shown)
        if join.keeps and not is_fresh(key):
            self._keep(job, key, known)
        if join.shown:
            self.run.emit(NodeShown(job.shown_as, join.shown))
        began = self.started.pop(job.id, None)
        if began is not None and not job.quiet:
            self.run.emit(NodeFinished(job.shown_as, time.perf_counter() - began))
        self._done(job.id, known)
        self.held.unread(join.targets)

    def _resolved(self, piece: Items | From) -> tuple[Items, str | None]:
        """The items of a piece of an output, and their key if they already have one."""
        if not isinstance(piece, From):
            return piece, None
        return self.held.output(piece.node, piece.output)

    def _reuse(self, job: Job, known: Known) -> None:
        if not job.quiet:
            self.run.emit(NodesReused((job.shown_as,)))
        if known.shown:
            self.run.emit(NodeShown(job.shown_as, known.shown))
        self._done(job.id, known)

    def _keep(self, job: Job, key: str, known: Known) -> None:
        self.run.cache.put(key, known, also=None if is_fresh(job.origin) else job.origin)

    def _done(self, node: str, known: Known) -> None:
        """Hand a result to those who wait for it, and let go of what this node read."""
        for reader, future in self.fetchers.pop(node, ()):
            self.fetching[reader] -= 1
            if not future.done():
                future.set_result(None)
        require_whole(self.jobs[node], known, self.run.plan.targets, self.jobs, self.held)
        self.held.hold(node, known)
        self.stack.done(node)

    async def _set_keys(self, jobs: Mapping[str, Job]) -> None:
        await self.run.call_sync(partial(set_base_keys, jobs.values(), self.run.host_for))
        sources = {node: job.sources for node, job in jobs.items()}
        bases = {node: job.base for node, job in jobs.items()}
        for node, origin in origin_keys(jobs, sources, bases, self.held.key).items():
            jobs[node].origin = origin

    async def _read_names(self, job: Job) -> None:
        """Let the files whose names have arrived count in the key."""
        names = {name: items for name, (items, _) in self._linked(job).items() if name in job.files}
        await self.run.call_sync(partial(set_base_keys, [job], self.run.host_for, names))

    def _key(self, job: Job) -> str:
        """The actual key: of the inputs that arrived, the lazy ones nobody asked for being None."""
        asked = self.asked.get(job.id, ())
        return result_key(
            job.base,
            {
                name: self.held.key(*link) if name not in job.lazy or name in asked else None
                for name, link in job.sources.items()
            },
        )

    def _linked(self, job: Job) -> dict[str, tuple[Items, str]]:
        """The items and the key of each wired input that has arrived."""
        asked = self.asked.get(job.id, ())
        found: dict[str, tuple[Items, str]] = {}
        for name, (source, output) in job.sources.items():
            if name not in job.lazy or name in asked:
                found[name] = self.held.output(source, output)
        return found

    def _arrived(self, job: Job) -> dict[str, Items]:
        return {**job.literals, **{name: items for name, (items, _) in self._linked(job).items()}}

    def _state(self, job: Job) -> object:
        try:
            return self.run.states.of(job.id, job.implementation)
        except Exception as error:
            raise NodeFailed(job.root, error) from error

    def _tell(self, job: Job, code: str, message: str) -> None:
        problem = Problem(code, message, node=job.shown_as, warning=True)
        self.run.emit(NodeProblem(job.shown_as, problem))


def _key_of_same(items: Items, arrived: Mapping[str, tuple[Items, str]]) -> str | None:
    """The key of the input that an output is, item by item the very same objects."""
    for given, key in arrived.values():
        if items and len(items) == len(given) and all(map(operator.is_, items, given)):
            return key
    return None
