"""The inputs one node really has: growing rows and variant inputs written out by what the node was given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graph.node import Grows, Input


def declared(inputs: Sequence[Input], given: Mapping[str, object]) -> dict[str, Input]:
    """The inputs by full name (`images.image0`, `resize_type.width`), in the order of the node's description.

    `given` holds the literals, and the names of the wired inputs with any value.
    """
    found: dict[str, Input] = {}
    pending = list(reversed(inputs))
    while pending:
        item = pending.pop()
        if item.grows is not None:
            found.update(_row(item, item.grows, given))
            continue
        found[item.name] = item
        if item.options:
            pending.extend(reversed(_brought(item, given)))
    return found


def chosen(item: Input, given: Mapping[str, object]) -> object:
    """The key of the option a variant input is set to: the one given, else the default, else the first."""
    value = given.get(item.name)
    if value is None:
        value = item.default
    return item.options[0].key if value is None else value


def _brought(item: Input, given: Mapping[str, object]) -> list[Input]:
    """The inputs of the chosen option, named `variant.input`."""
    key = chosen(item, given)
    option = next((option for option in item.options if option.key == key), None)
    prefix = f"{item.name}."
    inner = option.inputs if option else ()
    return [one if one.name.startswith(prefix) else replace(one, name=prefix + one.name) for one in inner]


def _row(item: Input, grows: Grows, given: Mapping[str, object]) -> Iterable[tuple[str, Input]]:
    """Of a growing row: the members that must be there, and those that are."""
    prefix = f"{item.name}."
    present = {name[len(prefix) :] for name in given if name.startswith(prefix)}
    members = grows.names or tuple(f"{grows.prefix}{index}" for index in range(_reach(grows, present)))
    for index, member in enumerate(members):
        required = index < grows.least
        if required or member in present:
            name = prefix + member
            yield name, replace(item, name=name, grows=None, optional=not required)


def _reach(grows: Grows, present: Iterable[str]) -> int:
    """One past the highest number among the row's members that are present."""
    numbers = [name[len(grows.prefix) :] for name in present if name.startswith(grows.prefix)]
    highest = max(
        (int(number) + 1 for number in numbers if number.isdecimal() and len(number) < 9), default=0
    )
    return min(max(highest, grows.least), grows.most)
