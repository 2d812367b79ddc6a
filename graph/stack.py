"""Which node is next: a stack of demanded nodes, and nodes that wait for others and then come back on top."""

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

_Phase: TypeAlias = Literal["queued", "waiting", "ready", "running"]


class Stack:
    """The order of work, without recursion. `is_done` tells whether a node's result is at hand."""

    def __init__(self, is_done: Callable[[str], bool]) -> None:
        self._is_done = is_done
        self._nodes: list[str] = []
        self._phases: dict[str, _Phase] = {}
        self._missing: dict[str, int] = {}
        self._waiters: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._nodes)

    def demand(self, nodes: Iterable[str]) -> None:
        """Put nodes on the stack, the first of them on top. One that is there already comes up."""
        for node in reversed([*nodes]):
            if not self._is_done(node) and self._phases.get(node, "queued") == "queued":
                self._phases[node] = "queued"
                self._nodes.append(node)

    def take(self) -> tuple[str, bool] | None:
        """The node on top, and whether this is its first turn; None if it had that turn already."""
        node = self._nodes.pop()
        phase = self._phases.get(node)
        if phase not in ("queued", "ready"):
            return None
        self._phases[node] = "waiting"
        return node, phase == "queued"

    def forget(self, node: str) -> None:
        """The node need not be computed, or has been."""
        self._phases.pop(node, None)

    def run(self, node: str) -> None:
        """The node is being computed beside the rest."""
        self._phases[node] = "running"

    def wait(self, node: str, others: Iterable[str]) -> bool:
        """Let a node wait for others and demand them; whether any is still to be computed."""
        lacking = [other for other in dict.fromkeys(others) if not self._is_done(other)]
        if lacking:
            self._phases[node] = "waiting"
            self._missing[node] = len(lacking)
            for other in lacking:
                self._waiters.setdefault(other, []).append(node)
            self.demand(lacking)
        return bool(lacking)

    def done(self, node: str) -> None:
        """The node's result is at hand: whoever waited for nothing else goes back on top."""
        self._phases.pop(node, None)
        for waiter in self._waiters.pop(node, ()):
            self._missing[waiter] -= 1
            if not self._missing[waiter]:
                self._phases[waiter] = "ready"
                self._nodes.append(waiter)
