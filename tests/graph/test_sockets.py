"""Which wire type a Python type is."""

from collections.abc import Callable
from typing import Annotated, Any, NewType, TypeVar

import pytest

from graph.errors import NodeDefinitionError
from graph.lazy import Lazy
from graph.sockets import Shape, pack_of, unwrap, wire_type
from graph.widgets import Socket


class Image:
    socket = "IMAGE"


class Mask:
    socket = "MASK"


class Depth: ...


class Curve: ...


Depth.__module__ = "nodes.custom.film.depth"
Curve.__module__ = "diffusion.curves"
Points = NewType("Points", list)
Points.__module__ = "nodes.custom.film"
Either = TypeVar("Either", Image, Mask)
Free = TypeVar("Free")


@pytest.mark.parametrize(
    ("annotation", "wire"),
    [
        (Image, "IMAGE"),
        (Depth, "film.Depth"),
        (Points, "film.Points"),
        (Curve, "Curve"),
        (Image | Mask, "IMAGE,MASK"),
        (Image | Image, "IMAGE"),
        (Either, "IMAGE,MASK"),
        (Free, "*"),
        (object, "*"),
        (tuple[float, ...], "SIGMAS"),
    ],
)
def test_a_python_type_has_a_wire_type(annotation: Any, wire: str):
    assert wire_type(annotation) == wire


def test_a_wire_type_can_be_said_beside_the_type():
    shape = unwrap(Annotated[Callable[[float], float], Socket("CURVE")])
    assert wire_type(shape.core, shape.metadata) == "CURVE"


@pytest.mark.parametrize("annotation", [dict, list, bytes, tuple[int, str], Callable[[int], int]])
def test_a_container_without_a_name_cannot_travel(annotation: Any):
    with pytest.raises(NodeDefinitionError, match="cannot travel on a wire"):
        wire_type(annotation)


@pytest.mark.parametrize(
    "annotation", [Lazy[list[Image]] | None, Annotated[Lazy[list[Image]] | None, "note"]]
)
def test_wrappers_come_off_in_any_order(annotation: Any):
    shape = unwrap(annotation)
    assert Shape(shape.core, (), shape.optional, shape.lazy, shape.many) == Shape(Image, (), True, True, True)


@pytest.mark.parametrize(
    ("module", "pack"),
    [
        ("nodes.image", ""),
        ("nodes.custom.film.light", "film"),
        ("film.nodes", "film"),
        ("diffusion.values", ""),
    ],
)
def test_a_module_belongs_to_a_pack(module: str, pack: str):
    assert pack_of(module) == pack
