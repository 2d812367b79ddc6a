"""A function's return annotation as the outputs of a node."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args, get_origin

from graph.docstring import Docs
from graph.errors import NodeDefinitionError
from graph.node import Output
from graph.signature import hints
from graph.sockets import unwrap, wire_type
from graph.widgets import OneOf


def read_outputs(
    function: Callable[..., Any], label: str, docs: Docs, names: Sequence[str], titles: Sequence[str]
) -> tuple[Output, ...]:
    """Describe what the function gives: nothing, one output, or those of a NamedTuple or a tuple.

    Outputs are named by `names`, else by the fields, else by their wire types; a repeated name gets `_2`.
    """
    known = hints(function, label)
    if "return" not in known:
        raise NodeDefinitionError(
            f"{label} has no return type. Annotate it, for example '-> Image' or '-> None'."
        )
    members = _members(known["return"], label)
    for what, given in (("outputs", names), ("output_titles", titles)):
        if given and len(given) != len(members):
            raise NodeDefinitionError(f"{label} gives {len(members)} outputs, but {what} has {len(given)}.")
    made: list[Output] = []
    for index, (field, hint) in enumerate(members):
        shape = unwrap(hint)
        try:
            choice = any(isinstance(item, OneOf) for item in shape.metadata)
            wire = "COMBO" if choice else wire_type(shape.core, shape.metadata)
        except NodeDefinitionError as error:
            raise NodeDefinitionError(f"{label}, output {field or index + 1}: {error}") from error
        plain = "output" if wire == "*" or "," in wire else wire
        name = _unused(names[index] if names else field or plain, [each.name for each in made])
        tooltip = docs.outputs.get(field or name) or (docs.returns if len(members) == 1 else "")
        template = shape.core.__name__ if isinstance(shape.core, TypeVar) else None
        made.append(Output(name, wire, shape.many, template, titles[index] if titles else None, tooltip))
    return tuple(made)


def _members(hint: Any, label: str) -> list[tuple[str, Any]]:
    """The outputs as pairs of field name (empty if there is none) and annotation."""
    if hint is None or hint is type(None):
        return []
    fields = getattr(hint, "_fields", None)
    if fields is not None and not hasattr(hint, "socket"):
        known = hints(hint, f"{label}, {hint.__name__}")
        return [(field, known[field]) for field in fields]
    if get_origin(hint) is tuple and Ellipsis not in get_args(hint):
        return [("", member) for member in get_args(hint)]
    return [("", hint)]


def _unused(name: str, taken: Sequence[str]) -> str:
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{name}_{number}"
    return made
