"""Values typed by hand, and the choice between two."""

from typing import Annotated, TypeVar

from graph.define import node
from graph.lazy import Lazy
from graph.widgets import Range, Rolls, Text

T = TypeVar("T")
LIMIT = 2**63 - 1


@node("PrimitiveInt", category="utils/primitive", title="Int")
def primitive_int(value: Annotated[int, Rolls(-LIMIT, LIMIT)] = 0) -> int:
    """Give a whole number to several inputs."""
    return value


@node("PrimitiveFloat", category="utils/primitive", title="Float")
def primitive_float(value: Annotated[float, Range(-LIMIT, LIMIT, step=0.1)] = 0.0) -> float:
    """Give a number to several inputs."""
    return value


@node("PrimitiveString", category="utils/primitive", title="String")
def primitive_string(value: str = "") -> str:
    """Give a short text to several inputs."""
    return value


@node("PrimitiveStringMultiline", category="utils/primitive", title="String (Multiline)")
def primitive_string_multiline(value: Annotated[str, Text(multiline=True)] = "") -> str:
    """Give a text of several lines to several inputs."""
    return value


@node("PrimitiveBoolean", category="utils/primitive", title="Boolean")
def primitive_boolean(value: bool = False) -> bool:
    """Give yes or no to several inputs."""
    return value


@node("ComfySwitchNode", category="logic", title="Switch", experimental=True)
async def switch(switch: bool, on_false: Lazy[T], on_true: Lazy[T]) -> T:
    """Pass on one of two inputs. The other is never computed.

    Args:
        switch: Which of the two is passed on.
        on_false: Passed on while the switch is off.
        on_true: Passed on while the switch is on.
    """
    return await (on_true if switch else on_false)


@node("StringConcatenate", category="utils/string", title="Concatenate")
def concatenate(
    string_a: Annotated[str, Text(multiline=True)],
    string_b: Annotated[str, Text(multiline=True)],
    delimiter: str = "",
) -> str:
    """Join two texts, with a delimiter between them."""
    return delimiter.join((string_a, string_b))


@node("StringReplace", category="utils/string", title="Replace")
def replace(
    string: Annotated[str, Text(multiline=True)],
    find: Annotated[str, Text(multiline=True)],
    replace: Annotated[str, Text(multiline=True)],
) -> str:
    """Replace a text wherever it occurs in another."""
    return string.replace(find, replace)
