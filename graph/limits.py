"""Untrusted JSON text, and how much of it is accepted: size of strings, depth, numbers.

What passes is plain data that every reader of JSON understands alike: no duplicate keys, no NaN, no broken
Unicode.
"""

import json
import math
from collections import Counter

from graph.errors import UnreadableWorkflow
from graph.workflow import Json

MAX_DEPTH = 64
MAX_STRING_BYTES = 1_000_000
MAX_INTEGER_BITS = 4096


def parse(text: str | bytes, nan: bool = False) -> Json:
    """Decode JSON text. Raises UnreadableWorkflow with the line of the fault.

    With `nan`, NaN and the infinities are read as null: the field's server writes them into pictures.
    """
    try:
        whole = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise UnreadableWorkflow(
            "The file is not text in UTF-8.", "Open a workflow saved as JSON."
        ) from error
    try:
        return json.loads(
            whole,
            object_pairs_hook=_object,
            parse_float=_float,
            parse_int=_int,
            parse_constant=_nothing if nan else _constant,
        )
    except json.JSONDecodeError as error:
        if not whole.strip():
            raise UnreadableWorkflow("The file is empty.", "Choose another, or save it again.") from error
        raise UnreadableWorkflow(
            f"The file is not valid JSON: {error.msg} on line {error.lineno}, column {error.colno}.",
            "Mend it there, or save it again where it came from.",
        ) from error
    except RecursionError as error:
        raise _too_deep() from error


def check_data(data: Json) -> None:
    """Refuse decoded JSON that is too deep or holds strings or numbers beyond the limits."""
    level: list[Json] = [data]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH and any(isinstance(value, dict | list | tuple) for value in level):
            raise _too_deep()
        below: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                below.extend(value.values())
            elif isinstance(value, list | tuple):
                below.extend(value)
            else:
                _check_scalar(value)
        level = below


def _check_scalar(value: Json) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UnreadableWorkflow(f"{value} is not a number that a workflow can hold.")
    elif isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise UnreadableWorkflow(f"An integer has more than {MAX_INTEGER_BITS} bits.")


def _check_text(text: str) -> None:
    if text.isascii():
        size = len(text)
    else:
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise UnreadableWorkflow(
                f"A text holds half a character (U+{ord(text[error.start]):X}).", "Type that text again."
            ) from error
    if size > MAX_STRING_BYTES:
        raise UnreadableWorkflow(f"A text has {size:,} bytes; at most {MAX_STRING_BYTES:,} are read.")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise UnreadableWorkflow(
            f'The key "{twice[:60]}" stands twice in one object.', "Remove one of the two."
        )
    return made


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise UnreadableWorkflow(f"The number {text[:40]} is too large.")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_INTEGER_BITS // 4:
        raise UnreadableWorkflow(f"A number has {len(text):,} digits; that is too many.")
    return int(text)


def _nothing(name: str) -> None:  # noqa: ARG001
    """In place of NaN."""


def _constant(name: str) -> Json:
    raise UnreadableWorkflow(f"{name} is not a number that a workflow can hold.")


def _too_deep() -> UnreadableWorkflow:
    return UnreadableWorkflow(f"The workflow is nested deeper than {MAX_DEPTH} levels.")
