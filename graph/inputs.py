"""One annotated parameter as one input: its wire type, its widget, its default."""

import inspect
import types
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

from graph.errors import NodeDefinitionError
from graph.node import Input, Widget
from graph.sockets import Shape, unwrap, wire_type
from graph.suggest import did_you_mean
from graph.widgets import Color, FileIn, Name, OneOf, Range, Rolls, Shown, Text, Toggle, Webcam
from graph.workflow import Json

M = TypeVar("M")
ABSENT: Final = inspect.Parameter.empty
_BELONGS: tuple[tuple[type, tuple[type, ...]], ...] = (
    (Range, (int, float)),
    (Rolls, (int,)),
    (Text, (str,)),
    (Color, (str,)),
    (FileIn, (str,)),
    (Webcam, (str,)),
    (OneOf, (str, int, float)),
    (Toggle, (bool,)),
)


def of_metadata(kind: type[M], metadata: Iterable[Any]) -> M | None:
    """The last item of that kind in an `Annotated`."""
    return next((item for item in reversed(tuple(metadata)) if isinstance(item, kind)), None)


def read_input(name: str, hint: Any, default: object, where: str, tooltip: str) -> Input:
    """Describe one input. Raises NodeDefinitionError, beginning with `where`."""
    shape = unwrap(hint)
    shown = of_metadata(Shown, shape.metadata) or Shown()
    renamed = of_metadata(Name, shape.metadata)
    try:
        wire = "COMBO" if _is_choice(shape) else wire_type(shape.core, shape.metadata)
    except NodeDefinitionError as error:
        raise NodeDefinitionError(f"{where}: {error}") from error
    widget = None if shown.wired_only else _widget(shape, where)
    if default is None and not shape.optional and shape.core not in (Any, object):
        raise NodeDefinitionError(f"{where} may be None, but its type does not say so. Add '| None' to it.")
    if widget and default is not ABSENT and default is not None:
        _check_default(default, widget, where)
    plain = default if isinstance(default, bool | int | float | str | list) else None
    needless = default is not ABSENT and (widget is None or default is None)
    return Input(
        renamed.name if renamed else name,
        wire,
        widget,
        plain,
        optional=shape.optional or shown.optional or needless,
        lazy=shape.lazy,
        takes_list=shape.many,
        template=shape.core.__name__ if isinstance(shape.core, TypeVar) else None,
        title=shown.title,
        tooltip=shown.tooltip or tooltip,
        advanced=shown.advanced,
    )


def _is_choice(shape: Shape) -> bool:
    return any(isinstance(item, OneOf | FileIn) for item in shape.metadata)


def _widget(shape: Shape, where: str) -> Widget | None:
    core = get_args(shape.core)[0] if get_origin(shape.core) in (Union, types.UnionType) else shape.core
    for item in shape.metadata:
        for kind, allowed in _BELONGS:
            if isinstance(item, kind) and core not in allowed:
                wanted = " or ".join(each.__name__ for each in allowed)
                raise NodeDefinitionError(
                    f"{where}: {kind.__name__} belongs to {wanted}, not to {getattr(core, '__name__', core)}."
                )
    if get_origin(core) is Literal:
        return Widget("choice", options=get_args(core))
    if core is bool:
        toggle = of_metadata(Toggle, shape.metadata) or Toggle()
        return Widget("toggle", label_on=toggle.label_on, label_off=toggle.label_off)
    if core in (int, float):
        return _number(shape)
    return _text(shape) if core is str else None


def _number(shape: Shape) -> Widget:
    if choice := of_metadata(OneOf, shape.metadata):
        return Widget("choice", options=choice.options)
    if rolls := of_metadata(Rolls, shape.metadata):
        return Widget("seed", rolls.low, rolls.high)
    limits = of_metadata(Range, shape.metadata) or Range()
    return Widget(
        "number",
        limits.low,
        limits.high,
        limits.step,
        limits.round_to,
        limits.slider,
        cut_to=limits.cut_to,
    )


def _text(shape: Shape) -> Widget:
    if picker := of_metadata(FileIn, shape.metadata):
        return Widget("file", folder=picker.folder, upload=picker.upload)
    if choice := of_metadata(OneOf, shape.metadata):
        return Widget("choice", options=choice.options)
    if of_metadata(Color, shape.metadata):
        return Widget("color")
    if of_metadata(Webcam, shape.metadata):
        return Widget("webcam", folder="input")
    text = of_metadata(Text, shape.metadata) or Text()
    return Widget("text", multiline=text.multiline, placeholder=text.placeholder, dynamic=text.dynamic)


def _check_default(default: Json, widget: Widget, where: str) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "number": (int, float),
        "seed": (int,),
        "toggle": (bool,),
        "text": (str,),
        "file": (str,),
        "color": (str,),
        "webcam": (str,),
        "choice": (str, int, float),
    }
    if isinstance(default, list):
        return
    if not isinstance(default, kinds[widget.kind]) or (isinstance(default, bool) and widget.kind != "toggle"):
        raise NodeDefinitionError(f"{where} has the default {default!r}, which is not of its type.")
    if widget.kind == "choice" and default not in widget.options:
        hint = did_you_mean(str(default), map(str, widget.options)) or f"Choose one of {widget.options[:8]}."
        raise NodeDefinitionError(f"{where} has the default {default!r}, which is no option. {hint}")
    if widget.kind in ("number", "seed") and not _within(widget, default):
        raise NodeDefinitionError(
            f"{where} has the default {default}, outside its limits {widget.low} to {widget.high}."
        )


def _within(widget: Widget, value: Any) -> bool:
    return (widget.low is None or value >= widget.low) and (widget.high is None or value <= widget.high)
