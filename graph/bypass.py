"""Which input stands in for an output when a node is passed over."""

from collections.abc import Sequence

from graph.wires import ANY, parts


def passed_through(inputs: Sequence[str], outputs: Sequence[str], slot: int, wanted: str) -> int | None:
    """The position of the input whose value takes the place of output `slot`, or None if no type fits.

    `inputs` and `outputs` are wire types in order; `wanted` is the type asked for by the reader.
    The input at the same position comes first, then one of the very type, then the first that fits.
    """
    if wanted in ("", ANY):
        return slot if slot < len(inputs) else 0 if inputs else None
    given = outputs[slot] if slot < len(outputs) else ANY

    def stands_in(wire_type: str) -> bool:
        return _alike(wire_type, given) and _alike(wire_type, wanted)

    if slot < len(inputs) and stands_in(inputs[slot]):
        return slot
    exact = (place for place, wire_type in enumerate(inputs) if wire_type == wanted)
    close = (place for place, wire_type in enumerate(inputs) if stands_in(wire_type))
    return next(exact, next(close, None))


def _alike(first: str, second: str) -> bool:
    if first in ("", ANY) or second in ("", ANY):
        return True
    return bool(parts(first.lower()) & parts(second.lower()))
