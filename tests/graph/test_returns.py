"""What a return annotation becomes."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import pytest

from graph.docstring import Docs, parse
from graph.errors import NodeDefinitionError
from graph.returns import read_outputs
from graph.widgets import OneOf


class Image:
    socket = "IMAGE"


class Mask:
    socket = "MASK"


class Picture(NamedTuple):
    image: Image
    alpha: Mask


def nothing() -> None: ...
def one() -> Image: ...
def named() -> Picture: ...
def unnamed() -> tuple[Image, Image, Mask, Image]: ...
def sigmas() -> tuple[float, ...]: ...
def anything() -> Any: ...
def choice() -> Annotated[str, OneOf(("a", "b"))]: ...
def documented() -> Picture:
    """Load.

    Returns:
        image: The colours.
        alpha: What is seen
            through.
    """


def names(function: Callable[..., Any], **given: Any) -> list[tuple[str, str]]:
    found = read_outputs(function, "f", Docs(), given.get("names", ()), given.get("titles", ()))
    return [(each.name, each.type) for each in found]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (nothing, []),
        (one, [("IMAGE", "IMAGE")]),
        (named, [("image", "IMAGE"), ("alpha", "MASK")]),
        (unnamed, [("IMAGE", "IMAGE"), ("IMAGE_2", "IMAGE"), ("MASK", "MASK"), ("IMAGE_3", "IMAGE")]),
        (sigmas, [("SIGMAS", "SIGMAS")]),
        (anything, [("output", "*")]),
        (choice, [("COMBO", "COMBO")]),
    ],
)
def test_outputs_are_named_by_field_or_wire_type(
    function: Callable[..., Any], expected: list[tuple[str, str]]
):
    assert names(function) == expected


def test_names_given_win_and_stay_unique():
    assert names(named, names=("IMAGE", "IMAGE")) == [("IMAGE", "IMAGE"), ("IMAGE_2", "MASK")]


def test_as_many_names_as_outputs_are_needed():
    with pytest.raises(NodeDefinitionError, match="f gives 2 outputs, but output_titles has 1"):
        names(named, titles=("Picture",))


def test_outputs_are_described_under_returns():
    found = read_outputs(documented, "f", parse(documented.__doc__), (), ())
    assert [each.tooltip for each in found] == ["The colours.", "What is seen through."]
