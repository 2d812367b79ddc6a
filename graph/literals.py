"""Whether a value written into a workflow suits its input: its kind, its limits, its options, its file."""

import math
import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeAlias

from graph.node import Input, Widget
from graph.suggest import brief
from graph.widgets import MAX_SEED
from graph.wires import ANY, parts

Suggest: TypeAlias = Callable[[str, Collection[str]], str]
"""`Did you mean '...'?` for a word and what it could have been, or nothing."""
Names: TypeAlias = Callable[[str], Collection[str]]
"""The files of a folder."""

WITHIN_INPUT = ("videos", "latents")
"""Kinds of files that lie in the input folder, beside the pictures."""
_ANNOTATED = re.compile(r"^(?P<name>.*\S)\s*\[(?P<folder>input|output|temp)\]$", re.DOTALL)
_SIMPLE: tuple[tuple[str, tuple[type, ...], str], ...] = (
    ("INT", (int,), "a whole number"),
    ("FLOAT", (int, float), "a number"),
    ("STRING", (str,), "a text"),
    ("COMBO", (str, int, float), "one of a list"),
    ("BOOLEAN", (bool,), "true or false"),
)


class Fault(NamedTuple):
    """What is wrong with a value, without saying on which node."""

    code: str
    message: str
    hint: str = ""


def fault(item: Input, value: object, files: Names | None, suggest: Suggest) -> Fault | None:
    """What is wrong with a literal for an input; None if it will do. Without `files`, none are looked for."""
    if item.takes_list and isinstance(value, list):
        faults = (_fault(item, each, files, suggest) for each in value)
        return next((one for one in faults if one), None)
    return _fault(item, value, files, suggest)


def cut_short(item: Input, value: object) -> Fault | None:
    """What is lost of a value that fits, but of which the node uses a multiple of some number."""
    to = item.widget and item.widget.cut_to
    if not to or not isinstance(value, int) or value % to == 0:
        return None
    less = value // to * to
    message = f"{item.name} is {value}, which is not a multiple of {to}, so {less} is used."
    return Fault("value_cut", message, f"Choose {less} or {less + to}.")


def _fault(item: Input, value: object, files: Names | None, suggest: Suggest) -> Fault | None:
    widget = item.widget
    if item.options:
        return _choice(item, [option.key for option in item.options], value, suggest)
    if widget is None:
        return _plain(item, value)
    match widget.kind:
        case "number" | "seed":
            return _number(item, widget, value)
        case "choice":
            return _choice(item, widget.options, value, suggest)
        case "toggle":
            return None if isinstance(value, bool) else _kind(item, value, "true or false")
        case "file" | "webcam":
            return _file(item, widget, value, files, suggest)
        case "color":
            is_color = isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value)
            return None if is_color else _kind(item, value, "a colour such as '#ff8000'")
        case "text":
            return None if isinstance(value, str) else _kind(item, value, "a text")


def _plain(item: Input, value: object) -> Fault | None:
    """A literal where there is no widget: simple values pass, everything else must be wired."""
    wanted = parts(item.type)
    if ANY in wanted:
        return None
    simple = [(types, words) for name, types, words in _SIMPLE if name in wanted]
    if not simple:
        return Fault(
            "wrong_kind",
            f"{item.name} is {brief(value)}, but it needs a link.",
            f"Connect an output of type {item.type}.",
        )
    for types, words in simple:
        if isinstance(value, types) and isinstance(value, bool) == (types == (bool,)):
            return _finite(item, value)
        last = words
    return _kind(item, value, last)


def _number(item: Input, widget: Widget, value: object) -> Fault | None:
    whole = widget.kind == "seed" or "FLOAT" not in parts(item.type)
    words = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _kind(item, value, words)
    if unfit := _finite(item, value):
        return unfit
    if whole and value != int(value):
        return _kind(item, value, words)
    low, high = widget.low, widget.high
    if widget.kind == "seed":
        low, high = low or 0, MAX_SEED if high is None else min(int(high), MAX_SEED)
    elif whole:
        low, high = -MAX_SEED if low is None else low, MAX_SEED if high is None else min(int(high), MAX_SEED)
    if (low is None or value >= low) and (high is None or value <= high):
        return None
    return Fault("value_out_of_range", f"{item.name} is {brief(value)}, but must be {_limits(low, high)}.")


def _limits(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {_shown(high)}"
    return f"at least {_shown(low)}" if high is None else f"between {_shown(low)} and {_shown(high)}"


def _shown(limit: float | None) -> str:
    return str(int(limit)) if limit is not None and limit == int(limit) else str(limit)


def _finite(item: Input, value: object) -> Fault | None:
    if isinstance(value, float) and not math.isfinite(value):
        return Fault("value_out_of_range", f"{item.name} is {value}, but must be a finite number.")
    return None


def _choice(
    item: Input, options: Sequence[str | int | float], value: object, suggest: Suggest
) -> Fault | None:
    if any(option == value and isinstance(option, bool) == isinstance(value, bool) for option in options):
        return None
    if not options:
        return Fault("not_an_option", f"{item.name} is {brief(value)}, but there is nothing to choose from.")
    names = [str(option) for option in options]
    listed = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    hint = suggest(str(value), names) if isinstance(value, str | int | float) else ""
    message = f"{item.name} is {brief(value)}, which is not one of its options."
    return Fault("not_an_option", message, hint or f"Choose one of: {listed}.")


def _file(item: Input, widget: Widget, value: object, files: Names | None, suggest: Suggest) -> Fault | None:
    if not isinstance(value, str):
        return _kind(item, value, "the name of a file")
    if files is None or (item.optional and not value):
        return None
    name, folder = value, widget.folder
    annotated = _ANNOTATED.match(value)
    if annotated and folder == "videos":
        return None  # the lists of results are of pictures; the node tells if there is no such video
    if annotated and folder in ("input", "output", "temp"):
        name, folder = annotated["name"], annotated["folder"]
    known = files(folder)
    if name in known:
        return None
    if not name and widget.kind == "webcam":
        message = f"{item.name} holds no picture: nothing has been captured yet."
        return Fault("missing_file", message, "Start the camera on the node, and capture a picture.")
    if not name:
        return Fault("missing_file", f"{item.name} has no file.", "Choose one of the list.")
    place = "input" if folder in WITHIN_INPUT else folder
    hint = suggest(name, known) or f"Put the file into the folder {place}, or choose another one."
    return Fault("missing_file", f"{item.name}: there is no {brief(name, 120)} in the folder {place}.", hint)


def _kind(item: Input, value: object, wanted: str) -> Fault:
    return Fault("wrong_kind", f"{item.name} is {brief(value)}, but must be {wanted}.")
