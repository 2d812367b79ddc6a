"""Running a node once for each item of a list: what goes into each call, and what comes out of all."""

from collections.abc import Collection, Mapping, Sequence

from graph.cache import Items
from graph.errors import WorkflowError
from graph.node import Blocked, From, Output, Result


def call_count(arrived: Mapping[str, Items], whole: Collection[str]) -> int:
    """How many calls the longest list asks for. Raises WorkflowError if a list is empty.

    `arrived` holds the items of each input; those named in `whole` take the list as it is.
    """
    lengths = {name: len(items) for name, items in arrived.items() if name not in whole}
    for name, length in lengths.items():
        if length == 0:
            raise WorkflowError(
                f"The list that arrived at '{name}' is empty, so there is nothing to run on.",
                "Check the node that makes the list.",
                input=name,
            )
    return max(lengths.values(), default=1)


def one_call(arrived: Mapping[str, Items], whole: Collection[str], index: int) -> dict[str, object]:
    """The inputs of call number `index`: an item of each list, the last one where a list is shorter."""
    return {
        name: list(items) if name in whole else items[min(index, len(items) - 1)]
        for name, items in arrived.items()
    }


def differ(arrived: Mapping[str, Items], whole: Collection[str]) -> bool:
    """Whether lists of different lengths meet, none of which has just one item."""
    return len({len(items) for name, items in arrived.items() if name not in whole} - {1}) > 1


def blocker(values: Mapping[str, object], whole: Collection[str]) -> Blocked | None:
    """The blocker among the inputs of a call, if there is one."""
    for name, value in values.items():
        if isinstance(value, Blocked):
            return value
        if name in whole and isinstance(value, list):
            for item in value:
                if isinstance(item, Blocked):
                    return item
    return None


def all_blocked(arrived: Mapping[str, Items], whole: Collection[str]) -> bool:
    """Whether blockers keep every call from being made."""
    if not any(isinstance(item, Blocked) for items in arrived.values() for item in items):
        return False
    lengths = [len(items) for name, items in arrived.items() if name not in whole]
    rows = range(max(lengths, default=1) if 0 not in lengths else 0)
    return bool(rows) and all(blocker(one_call(arrived, whole, row), whole) for row in rows)


def pieces(result: Result | Blocked, outputs: Sequence[Output]) -> list[Items | From]:
    """What one call adds to each output: items, or a reference to an output of an expanded node.

    Raises WorkflowError if the call gave too many values, or no list where one is promised.
    """
    if isinstance(result, Blocked):
        return [(Blocked(),) for _ in outputs]
    if len(result.outputs) > len(outputs):
        raise WorkflowError(f"The node gave {len(result.outputs)} values, but it has {len(outputs)} outputs.")
    values = (*result.outputs, *(None,) * (len(outputs) - len(result.outputs)))
    return [_piece(value, output) for value, output in zip(values, outputs, strict=True)]


def _piece(value: object, output: Output) -> Items | From:
    if isinstance(value, From):
        return value
    if isinstance(value, Blocked) or not output.gives_list or value is None:
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(value)
    raise WorkflowError(
        f"The output '{output.name}' promises a list, but the node gave {type(value).__name__}."
    )
