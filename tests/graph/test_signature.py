"""What a node author is told when a signature does not define a node."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import pytest

from graph.define import node
from graph.errors import NodeDefinitionError
from graph.widgets import Color, Fields, FileIn, Name, OneOf, Range, Rolls, Text, Variant

if TYPE_CHECKING:
    from decimal import Decimal


class Image:
    socket = "IMAGE"


def untyped(image: Image, amount=1.0) -> Image: ...
def no_return(image: Image): ...
def hidden_import(image: "Decimal") -> Image: ...
def service_left_behind(image: Image, *, strength: float) -> Image: ...
def socket_left_behind(image: Image, *, mask: Image) -> Image: ...
def a_dict(image: dict[str, int]) -> Image: ...
def gives_a_dict(image: Image) -> dict[str, int]: ...
def none_by_default(image: Image, amount: float = None) -> Image: ...
def not_an_option(mode: Annotated[str, OneOf(("euler", "heun"))] = "eular") -> Image: ...
def not_in_the_literal(mode: Literal["a", "b"] = "c") -> Image: ...
def out_of_range(steps: Annotated[int, Range(1, 10)] = 11) -> Image: ...
def below_range(seed: Annotated[int, Rolls(0, 5)] = -1) -> Image: ...
def wrong_kind(steps: int = "many") -> Image: ...
def true_is_no_number(steps: int = True) -> Image: ...
def range_on_text(name: Annotated[str, Range(1, 2)]) -> Image: ...
def text_on_a_number(steps: Annotated[int, Text()]) -> Image: ...
def picker_on_a_socket(image: Annotated[Image, FileIn("input")]) -> Image: ...
def color_on_a_number(color: Annotated[float, Color()]) -> Image: ...
def unnamed_fields(**weights: float) -> Image: ...
def no_cases(kind: Annotated[Any, Variant({})]) -> Image: ...
def same_name(a: float, b: Annotated[float, Name("a")]) -> Image: ...
def fields_again(**weights: Annotated[float, Fields(("a", "a"))]) -> Image: ...
def rows_of_lists(*images: list[Image]) -> Image: ...


MISTAKES = [
    (untyped, "untyped: parameter 'amount' has no type. Annotate it, for example 'amount: float'."),
    (no_return, "no_return has no return type. Annotate it, for example '-> Image' or '-> None'."),
    (hidden_import, "an annotation names Decimal, which is not there when the module is imported."),
    (service_left_behind, "parameter 'strength' stands after the '*'"),
    (socket_left_behind, "parameter 'mask' stands after the '*'"),
    (a_dict, "parameter 'image': dict cannot travel on a wire."),
    (gives_a_dict, "gives_a_dict, output 1: dict cannot travel on a wire."),
    (none_by_default, "parameter 'amount' may be None, but its type does not say so."),
    (not_an_option, "has the default 'eular', which is no option. Did you mean 'euler'?"),
    (not_in_the_literal, "has the default 'c', which is no option."),
    (out_of_range, "has the default 11, outside its limits 1 to 10."),
    (below_range, "has the default -1, outside its limits 0 to 5."),
    (wrong_kind, "has the default 'many', which is not of its type."),
    (true_is_no_number, "has the default True, which is not of its type."),
    (range_on_text, "parameter 'name': Range belongs to int or float, not to str."),
    (text_on_a_number, "parameter 'steps': Text belongs to str, not to int."),
    (picker_on_a_socket, "parameter 'image': FileIn belongs to str, not to Image."),
    (color_on_a_number, "parameter 'color': Color belongs to str, not to float."),
    (unnamed_fields, "parameter 'weights' stands for many inputs, but does not say which."),
    (no_cases, "parameter 'kind' is a Variant without cases."),
    (same_name, "same_name: two inputs are called 'a'. Rename one of them."),
    (fields_again, "fields_again: two inputs are called 'a'."),
    (rows_of_lists, "parameter 'images' is a row of lists. Write '*images: Image' without the list."),
]


@pytest.mark.parametrize(("function", "message"), MISTAKES, ids=[each[0].__name__ for each in MISTAKES])
def test_a_mistake_names_the_parameter_and_the_remedy(function: Callable[..., Any], message: str):
    with pytest.raises(NodeDefinitionError) as told:
        node()(function)
    assert message in str(told.value)


def test_a_fault_inside_a_case_names_the_case():
    class Scale(NamedTuple):
        factor: dict[str, int]

    def resize(kind: Annotated[Scale, Variant({"by factor": Scale})]) -> Image: ...

    with pytest.raises(NodeDefinitionError, match="parameter 'kind', case 'by factor': parameter 'factor'"):
        node()(resize)
