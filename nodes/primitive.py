"""Values typed by hand."""

from typing import Annotated

from graph.define import node
from graph.widgets import Range, Rolls, Socket, Text

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


@node("CustomCombo", category="utils", title="Custom Combo", experimental=True)
def custom_combo(choice: Annotated[str, Socket("COMBO")] = "") -> str:
    """Give one of several texts to several inputs, also where a choice is wanted.

    Args:
        choice: The text that is given on.
    """
    return choice
