"""Calling one node: once, or once for each item of a list, its lazy inputs fetched when it awaits them."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

from graph.cache import Items
from graph.errors import NodeFailed, WorkflowError
from graph.failure import ENDINGS
from graph.jobs import HostFor, Job
from graph.lazy import Lazy
from graph.mapping import blocker, call_count, one_call
from graph.node import Blocked, Result

T = TypeVar("T")
Fetch: TypeAlias = Callable[[str], Awaitable[Items]]
"""Gives the items of a lazy input, by its name, once the node that makes them has run."""


class CallSync(Protocol):
    """Runs a function where synchronous nodes run: on the device thread, or right here."""

    def __call__(self, function: Callable[[], Any], /) -> Awaitable[Any]:
        """The function's result. Raises whatever it raises."""


async def inline(function: Callable[[], Any], /) -> Any:
    """A CallSync that runs the function here and now."""
    return function()


@dataclass(frozen=True, slots=True)
class Caller:
    """What calls need from the run around them. `check` raises Interrupted if the run was cancelled."""

    host_for: HostFor
    call_sync: CallSync
    check: Callable[[], None]


class _PassedOver(BaseException):
    """A lazy input turned out to be blocked, so the call that awaits it is not finished."""

    def __init__(self, blocked: Blocked) -> None:
        self.blocked = blocked


async def call_node(
    caller: Caller, job: Job, arrived: Mapping[str, Items], state: object, fetch: Fetch
) -> list[Result | Blocked]:
    """Call a node as often as its lists ask for. Raises NodeFailed if a call raises.

    Inputs of an async node that are not in `arrived` are fetched when the node awaits them.
    """
    try:
        if not job.implementation.spec.is_async:
            return await _one_by_one(caller, job, arrived, state)
        if unknown := [name for name in job.sources if name not in arrived]:
            return await _with_lazy(caller, job, dict(arrived), state, _Lazies(unknown, job.whole, fetch))
        return await _together(caller, job, arrived, state)
    except NodeFailed:
        raise
    except (Exception, *ENDINGS) as error:
        raise NodeFailed(job.root, error) from error


def contained(node: str, function: Callable[[], T]) -> T:
    """What the function gives. Raises NodeFailed for whatever it raises, also what no thread passes on."""
    try:
        return function()
    except (Exception, *ENDINGS, GeneratorExit, asyncio.CancelledError) as error:
        raise NodeFailed(node, error) from error


async def wanted_next(caller: Caller, job: Job, arrived: Mapping[str, Items], state: object) -> list[str]:
    """The lazy inputs that a node asks for next, given what has arrived. Raises NodeFailed if that fails."""
    unknown = dict.fromkeys(name for name in job.sources if name not in arrived)

    def ask() -> list[str]:
        wanted: dict[str, None] = {}
        for index in range(call_count(arrived, job.whole)):
            values = one_call(arrived, job.whole, index)
            if blocker(values, job.whole) is None:
                wanted.update(dict.fromkeys(job.implementation.needs({**values, **unknown}, state)))
        for name in wanted:
            if name not in arrived and name not in unknown:
                raise WorkflowError(
                    f"The node asks for its input '{name}', which is not connected.", input=name
                )
        return [name for name in wanted if name in unknown]

    found: list[str] = await caller.call_sync(partial(contained, job.root, ask))
    return found


async def _one_by_one(
    caller: Caller, job: Job, arrived: Mapping[str, Items], state: object
) -> list[Result | Blocked]:
    results: list[Result | Blocked] = []
    missing = {name: None for name in job.sources if name not in arrived}
    for index in range(call_count(arrived, job.whole)):
        caller.check()
        values = {**one_call(arrived, job.whole, index), **missing}
        found = blocker(values, job.whole)
        if found is None:
            function = partial(job.implementation.call, values, caller.host_for(job.id), state)
            results.append(await _result(await caller.call_sync(partial(contained, job.root, function))))
        else:
            results.append(found)
    return results


async def _together(
    caller: Caller, job: Job, arrived: Mapping[str, Items], state: object
) -> list[Result | Blocked]:
    """Every call of an async node at once."""
    rows = [one_call(arrived, job.whole, index) for index in range(call_count(arrived, job.whole))]
    if len(rows) == 1:
        return [await _call_async(caller, job, rows[0], state)]
    tasks = [asyncio.ensure_future(_call_async(caller, job, row, state)) for row in rows]
    try:
        return [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _call_async(
    caller: Caller, job: Job, values: Mapping[str, object], state: object
) -> Result | Blocked:
    found = blocker(values, job.whole)
    if found is not None:
        return found
    try:
        return await _result(job.implementation.call(values, caller.host_for(job.id), state))
    except ENDINGS as error:  # in a task they would end the program
        raise NodeFailed(job.root, error) from error


async def _result(returned: object) -> Result:
    result = await returned if inspect.isawaitable(returned) else returned
    if not isinstance(result, Result):
        raise TypeError(f"The call gave {type(result).__name__} instead of a Result.")
    return result


class _Lazies:
    """The lazy inputs of an async node: objects to await, and what came of those that were awaited."""

    def __init__(self, names: list[str], whole: frozenset[str], fetch: Fetch) -> None:
        self.names = names
        self.whole = whole
        self.fetch = fetch

    def row(self, index: int, arrived: dict[str, Items]) -> dict[str, object]:
        """The lazy inputs for call number `index`. What they fetch is added to `arrived`."""
        return {name: Lazy(partial(self._value, name, index, arrived)) for name in self.names}

    async def _value(self, name: str, index: int, arrived: dict[str, Items]) -> object:
        if name not in arrived:
            arrived[name] = await self.fetch(name)
        fetched = {name: arrived[name]}
        call_count(fetched, self.whole)
        values = one_call(fetched, self.whole, index)
        found = blocker(values, self.whole)
        if found is not None:
            raise _PassedOver(found)
        return values[name]


async def _with_lazy(
    caller: Caller, job: Job, arrived: dict[str, Items], state: object, lazies: _Lazies
) -> list[Result | Blocked]:
    """One call after another, because a list that a call fetches may ask for more of them."""
    results: list[Result | Blocked] = []
    known = dict(arrived)
    while len(results) < call_count(arrived, job.whole):
        index = len(results)
        values = {**one_call(known, job.whole, index), **lazies.row(index, arrived)}
        try:
            results.append(await _call_async(caller, job, values, state))
        except _PassedOver as passed:
            results.append(passed.blocked)
    return results
