"""Any value, shown as text."""

import json
from typing import Any

from graph.define import node
from graph.services import Outputs

LONGEST = 100_000


@node("PreviewAny", category="utils", title="Preview as Text", terminal=True)
def preview_any(source: Any, *, outputs: Outputs) -> None:
    """Show what arrives, whatever it is.

    Args:
        source: A text or a number stands as it is, lists and tables as JSON.
    """
    outputs.show_text(_said(source)[:LONGEST])


def _said(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | dict):
        try:
            return json.dumps(value, indent=4, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            pass
    return str(value)
