"""What nodes remember between runs: one object for each node of a type."""

from collections.abc import Mapping

from graph.node import Implementation
from graph.workflow import Node


class States:
    """Kept by whoever runs workflows one after another, and handed to each run."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], object] = {}

    def of(self, node: str, implementation: Implementation) -> object:
        """The state of a node: the one it had, or a new one."""
        key = (node, implementation.spec.type)
        state = self._states.get(key)
        if state is None:
            state = implementation.new_state()
            if state is not None:
                self._states[key] = state
        return state

    def keep_only(self, nodes: Mapping[str, Node]) -> None:
        """Forget the nodes that are gone from the workflow, or are now of another type."""
        for node, node_type in [*self._states]:
            if node not in nodes or nodes[node].type != node_type:
                del self._states[node, node_type]
