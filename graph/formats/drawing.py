"""What is only drawn: places, frames and notes. Nothing about them is worth refusing a file."""

import math

from graph.formats.wires import widget_values
from graph.workflow import Group, Json, Note


def text(value: Json) -> str | None:
    """A title or a colour; None if it is no text, or an empty one."""
    return value if isinstance(value, str) and value else None


def pair(value: Json) -> tuple[float, float] | None:
    """A place or a size, from a list or an object with the keys "0" and "1"; None if it is neither."""
    found = _numbers(value, 2)
    return None if found is None else (found[0], found[1])


def group(raw: Json, index: int) -> Group | None:
    """A frame around nodes; None if it has no bounds."""
    bounds = _numbers(raw.get("bounding"), 4) if isinstance(raw, dict) else None
    if bounds is None:
        return None
    x, y, width, height = bounds
    return Group(
        str(raw.get("id") or index),
        text(raw.get("title")) or "",
        (x, y, width, height),
        text(raw.get("color")),
    )


def note(id: str, raw: dict[str, Json]) -> Note:
    """Text on the canvas."""
    return Note(
        id,
        text(next(iter(widget_values(raw)), None)) or "",
        pair(raw.get("pos")) or (0.0, 0.0),
        pair(raw.get("size")) or (280.0, 160.0),
        text(raw.get("bgcolor")),
    )


def _numbers(value: Json, count: int) -> tuple[float, ...] | None:
    sides = [value.get(str(index)) for index in range(count)] if isinstance(value, dict) else value
    if not isinstance(sides, list) or len(sides) < count:
        return None
    try:
        found = tuple(float(side) for side in sides[:count])
    except (TypeError, ValueError, OverflowError):
        return None
    return found if all(map(math.isfinite, found)) else None
