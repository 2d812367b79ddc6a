"""What one annotated parameter becomes."""

from typing import Annotated, Any, Literal

import pytest

from graph.inputs import ABSENT, read_input
from graph.node import Widget
from graph.widgets import Color, FileIn, OneOf, Range, Rolls, Seed, Shown, Text, Toggle


class Image:
    socket = "IMAGE"


WIDGETS = [
    (bool, "BOOLEAN", Widget("toggle")),
    (Annotated[bool, Toggle("on", "off")], "BOOLEAN", Widget("toggle", label_on="on", label_off="off")),
    (int, "INT", Widget("number")),
    (Annotated[int, Range(16, 512, step=8)], "INT", Widget("number", 16, 512, 8)),
    (Annotated[float, Range(0, 1, round_to=0.01)], "FLOAT", Widget("number", 0, 1, round_to=0.01)),
    (Annotated[float, Range(0, 1, slider=True)], "FLOAT", Widget("number", 0, 1, slider=True)),
    (Seed, "INT", Widget("seed", 0, 2**64 - 1)),
    (Annotated[int, Rolls(-5, 5)], "INT", Widget("seed", -5, 5)),
    (str, "STRING", Widget("text")),
    (
        Annotated[str, Text(multiline=True, dynamic=True)],
        "STRING",
        Widget("text", multiline=True, dynamic=True),
    ),
    (Annotated[str, Color()], "STRING", Widget("color")),
    (Annotated[str, OneOf({"a": 1, "b": 2})], "COMBO", Widget("choice", options=("a", "b"))),
    (Annotated[int, OneOf((1, 2))], "COMBO", Widget("choice", options=(1, 2))),
    (Literal["a", "b"], "COMBO", Widget("choice", options=("a", "b"))),
    (Annotated[str, FileIn("loras", upload=True)], "COMBO", Widget("file", folder="loras", upload=True)),
    (int | float, "INT,FLOAT", Widget("number")),
    (Annotated[str, Shown(wired_only=True)], "STRING", None),
    (Image, "IMAGE", None),
    (Any, "*", None),
]


@pytest.mark.parametrize(("hint", "wire", "widget"), WIDGETS)
def test_an_annotation_gives_a_wire_type_and_a_widget(hint: Any, wire: str, widget: Widget | None):
    made = read_input("x", hint, ABSENT, "f: parameter 'x'", "")
    assert (made.type, made.widget) == (wire, widget)


def test_a_widget_with_a_default_stays_required_in_the_fields_sense():
    made = read_input("x", int, 3, "f", "")
    assert (made.default, made.optional) == (3, False)


def test_none_as_a_default_makes_an_input_optional():
    assert read_input("x", Image | None, None, "f", "").optional


def test_how_an_input_is_shown_can_be_said():
    shown = Shown(title="Audio VAE", tooltip="Decodes.", advanced=True, optional=True)
    made = read_input("x", Annotated[str, shown], "a", "f", "from the docstring")
    assert (made.title, made.tooltip, made.advanced, made.optional) == ("Audio VAE", "Decodes.", True, True)
