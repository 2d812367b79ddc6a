"""Widget values by position, as the field's editor saves them."""

from collections.abc import Sequence
from typing import NamedTuple

from graph.formats.values import CONTROL_MODES, fitted, has_seed
from graph.node import Input
from graph.workflow import Json, SeedMode

_TYPED = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


class Placed(NamedTuple):
    """Values and seed modes by the name of the input; how many values were too many, or below 0 too few."""

    values: dict[str, Json]
    seeds: dict[str, SeedMode]
    surplus: int


def by_position(inputs: Sequence[Input], given: Sequence[Json]) -> Placed:
    """Values in the order of the widgets, each seed's control mode after it.

    A null is a widget without a value; where there are more values than widgets it is a hole, left by a
    widget that is not saved. Old files also hold a value for each socket that could have been a widget.
    """
    found = _placed(inputs, given)
    buttons = sum(1 for each in inputs if each.widget is not None and each.widget.upload)
    if found.surplus > buttons:
        old = _placed(inputs, given, sockets_too=True)
        if old.surplus == 0:
            return old
        return _placed(inputs, [value for value in given if value is not None])
    return found


def _placed(inputs: Sequence[Input], given: Sequence[Json], sockets_too: bool = False) -> Placed:
    values: dict[str, Json] = {}
    seeds: dict[str, SeedMode] = {}
    rest = list(reversed(given))
    pending = [("", each) for each in reversed(inputs)]
    missing = 0
    while pending:
        prefix, wanted = pending.pop()
        is_widget = wanted.widget is not None or bool(wanted.options)
        if not is_widget and not (sockets_too and wanted.type in _TYPED and wanted.grows is None):
            continue
        if not rest:
            missing += 1
            continue
        name, value = prefix + wanted.name, rest.pop()
        has_mode = has_seed(wanted) and bool(rest) and isinstance(rest[-1], str | bool)
        mode = CONTROL_MODES.get(rest[-1]) if has_mode else None
        if mode is not None:
            rest.pop()
        if not is_widget or value is None:
            continue
        values[name] = fitted(wanted, value)
        if mode is not None:
            seeds[name] = mode
        for option in wanted.options:
            if option.key == value:
                pending += [(f"{name}.", inner) for inner in reversed(option.inputs)]
    return Placed(values, seeds, len(rest) - missing)
