"""What a Python annotation in a node's signature is on the wire."""

import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

from graph.errors import NodeDefinitionError
from graph.lazy import Lazy

_SCALARS: tuple[tuple[object, str], ...] = (
    (bool, "BOOLEAN"),
    (int, "INT"),
    (float, "FLOAT"),
    (str, "STRING"),
    (Any, "*"),
    (object, "*"),
    (tuple[float, ...], "SIGMAS"),  # what a schedule is: plain numbers, so that it can be compared and cached
)
_BUILT_IN = ("nodes", "graph", "diffusion", "server")


@dataclass(frozen=True, slots=True)
class Shape:
    """An annotation taken apart: `Annotated[Lazy[list[Image]] | None, Name("x")]`."""

    core: Any
    metadata: tuple[Any, ...] = ()
    optional: bool = False
    lazy: bool = False
    many: bool = False


def unwrap(annotation: Any) -> Shape:
    """Take `Annotated`, `| None`, `Lazy` and `list` off an annotation, in whatever order they stand."""
    metadata: tuple[Any, ...] = ()
    optional = lazy = many = False
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            metadata = (*metadata, *arguments[1:])
            annotation = arguments[0]
        elif origin in (Union, types.UnionType) and type(None) in arguments:
            optional = True
            annotation = Union[tuple(a for a in arguments if a is not type(None))]  # noqa: UP007
        elif origin is Lazy:
            lazy, annotation = True, arguments[0]
        elif origin is list and not many:
            many, annotation = True, arguments[0]
        else:
            return Shape(annotation, metadata, optional, lazy, many)


def wire_type(core: Any, metadata: Iterable[Any] = ()) -> str:
    """The wire type of an unwrapped annotation. Raises NodeDefinitionError if it has none."""
    for item in metadata:
        if isinstance(socket := getattr(item, "socket", None), str):
            return socket
    for known, name in _SCALARS:
        if core is known or core == known:
            return name
    origin = get_origin(core)
    if origin is Literal:
        return "COMBO"
    if origin in (Union, types.UnionType):
        members = [unwrap(member) for member in get_args(core)]
        return ",".join(dict.fromkeys(wire_type(member.core, member.metadata) for member in members))
    if isinstance(core, TypeVar):
        allowed = core.__constraints__ or ((core.__bound__,) if core.__bound__ else ())
        return ",".join(wire_type(each) for each in allowed) or "*"
    return _class_type(get_origin(core) or core)


def _class_type(cls: Any) -> str:
    if isinstance(socket := getattr(cls, "socket", None), str):
        return socket
    if not isinstance(cls, type | NewType) or cls.__module__ in ("builtins", "typing", "collections.abc"):
        shown = getattr(cls, "__name__", cls)
        raise NodeDefinitionError(
            f"{shown} cannot travel on a wire. Use int, float, str, bool, Any, a class or a list of it."
        )
    pack = pack_of(cls.__module__)
    return f"{pack}.{cls.__name__}" if pack else cls.__name__


def pack_of(module: str) -> str:
    """The pack of a module: `film` for `nodes.custom.film.grain`; empty for the program's own modules."""
    parts = module.split(".")
    if parts[:2] == ["nodes", "custom"] and len(parts) > 2:
        return parts[2]
    return "" if parts[0] in _BUILT_IN or parts[0] == "__main__" else parts[0]
