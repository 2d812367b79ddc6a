"""Literals of the field's files, fitted to our inputs."""

import math
from collections.abc import Mapping

from graph.node import Input, folder_of
from graph.workflow import Json, SeedMode

CONTROL_MODES: Mapping[object, SeedMode] = {
    "fixed": "fixed",
    "increment": "increment",
    "increment-wrap": "increment",
    "decrement": "decrement",
    "randomize": "random",
    True: "random",
    False: "fixed",
}


def has_seed(input: Input) -> bool:
    """Whether the field's editor keeps a control mode beside this input's value."""
    return input.type == "INT" and (
        (input.widget is not None and input.widget.kind == "seed") or input.name in ("seed", "noise_seed")
    )


def fitted(input: Input, value: Json) -> Json:
    """The value as the input's type has it: the field's files hold numbers as text, and paths of Windows.

    A value that cannot be converted stays, and validation reports it.
    """
    if folder_of(input) is not None and isinstance(value, str):
        return value.replace("\\", "/")
    if input.name == "sampler_name" and isinstance(value, str):
        return value.removeprefix("sample_")
    match input.type:
        case "INT" if isinstance(value, float | str):
            return _number(value, whole=True)
        case "FLOAT" if isinstance(value, str):
            return _number(value, whole=False)
        case "STRING" if isinstance(value, int | float):
            return str(value)
        case "BOOLEAN" if isinstance(value, int | float | str):
            return bool(value)
        case _:
            return value


def _number(value: float | str, whole: bool) -> Json:
    try:
        if whole and isinstance(value, str) and value.strip().lstrip("+-").isdigit():
            return int(value)
        number = float(value)
    except ValueError:
        return value
    return int(number) if whole and math.isfinite(number) else number
