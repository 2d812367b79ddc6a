"""The results of a run that somebody has still to read. Each is let go after its last reader."""

from collections.abc import Iterable, Mapping

from graph.cache import Items, Known
from graph.errors import WorkflowError
from graph.jobs import Job
from graph.keys import output_key


class Held:
    """Results by node, and how many are still to read each. Targets are kept to the end."""

    def __init__(self, readers: Mapping[str, int], targets: Iterable[str]) -> None:
        self.jobs: dict[str, Job] = {}
        self.values: dict[str, Known] = {}
        self.targets = frozenset(targets)
        self._readers = dict(readers)
        self._released: set[str] = set()
        self._begun: set[str] = set()

    def __contains__(self, node: str) -> bool:
        return node in self.values

    def __getitem__(self, node: str) -> Known:
        return self.values[node]

    def output(self, node: str, output: str) -> tuple[Items, str]:
        """The items of an output of a held result, and their key."""
        known, slot = self.values[node], self._slot(node, output)
        return known.outputs[slot], known.keys[slot]

    def key(self, node: str, output: str) -> str:
        """The key of an output: of the value if it is known, else the one foreseen from the links alone."""
        if node in self.values:
            return self.values[node].keys[self._slot(node, output)]
        return output_key(self.jobs[node].origin, output)

    def wants(self, node: str) -> bool:
        """Whether somebody is still to read the node."""
        return node in self.targets or self._readers[node] > 0

    def begin(self, node: str) -> None:
        """The node is being computed; what it reads stays until it is released."""
        self._begun.add(node)

    def add(self, jobs: Mapping[str, Job]) -> None:
        """Nodes that came into the run while it went on, and that will read others."""
        self.jobs.update(jobs)
        self._readers.update(dict.fromkeys(jobs, 0))
        for job in jobs.values():
            self.read(source for source, _ in job.sources.values())

    def hold(self, node: str, known: Known) -> None:
        """The node is done: its result waits for its readers, and what it read itself has one reader less."""
        self.values[node] = known
        self._begun.discard(node)
        self._release([node])
        if not self._readers[node] and node not in self.targets:
            del self.values[node]

    def read(self, nodes: Iterable[str]) -> None:
        """Count one more reader of each. One whose result is gone will read its own inputs again."""
        pending = [*nodes]
        while pending:
            node = pending.pop()
            self._readers[node] += 1
            if node in self._released and node not in self.values:
                self._released.discard(node)
                pending.extend(source for source, _ in self.jobs[node].sources.values())

    def unread(self, nodes: Iterable[str]) -> None:
        """Count one reader less of each; drop what has none left, and what only that would have needed."""
        self._release([node for node in nodes if self._is_last(node)])

    def _release(self, nodes: list[str]) -> None:
        while nodes:
            node = nodes.pop()
            if node not in self._released:
                self._released.add(node)
                nodes.extend(
                    source for source, _ in self.jobs[node].sources.values() if self._is_last(source)
                )

    def _is_last(self, node: str) -> bool:
        """Count one reader less; whether the node will now never be computed."""
        self._readers[node] -= 1
        if self._readers[node] or node in self.targets:
            return False
        return self.values.pop(node, None) is None and node not in self._begun

    def _slot(self, node: str, output: str) -> int:
        outputs = self.jobs[node].implementation.spec.outputs
        for slot, each in enumerate(outputs):
            if each.name == output:
                return slot
        raise WorkflowError(f"There is no output '{output}' on the node '{node}'.", node=node)
