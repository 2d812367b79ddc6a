"""The choice between two."""

from typing import TypeVar

from graph.define import node
from graph.lazy import Lazy

T = TypeVar("T")


@node("ComfySwitchNode", category="logic", title="Switch", experimental=True)
async def switch(switch: bool, on_false: Lazy[T], on_true: Lazy[T]) -> T:
    """Pass on one of two inputs. The other is never computed.

    Args:
        switch: Which of the two is passed on.
        on_false: Passed on while the switch is off.
        on_true: Passed on while the switch is on.
    """
    return await (on_true if switch else on_false)
