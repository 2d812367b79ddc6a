"""Nodes that stand in for the node that returned them: checked, and made into jobs of the same run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graph.cache import Items
from graph.errors import WorkflowError
from graph.jobs import Job, expanded_job, known_type
from graph.node import From, Implementation, Result
from graph.plan import depth_first

MOST_EXPANDED = 10_000


@dataclass(slots=True)
class Join:
    """A node whose outputs wait for expanded nodes: what its calls gave, with references to be filled in."""

    calls: tuple[tuple[Items | From, ...], ...]
    shown: tuple[Mapping[str, object], ...]
    keeps: bool
    targets: tuple[str, ...] = ()


def unfold(
    parent: Job,
    results: Iterable[Result],
    jobs: Mapping[str, Job],
    implementations: Mapping[str, Implementation],
) -> tuple[dict[str, Job], tuple[str, ...]]:
    """The jobs of the nodes that the calls of `parent` expand to, each after all it reads; and those wanted.

    Wanted are the nodes whose outputs `parent` gives on, and the terminal ones. Raises WorkflowError if a
    type, a node or an output does not exist, if an id is taken, or if the nodes wait for each other.
    """
    made: dict[str, Job] = {}
    wanted: dict[str, None] = {}
    for result in results:
        for node_id, node in result.expand.items():
            if not node_id or node_id in made or node_id in jobs:
                raise WorkflowError(f"The node adds a node '{node_id}', but that id is taken.")
            made[node_id] = expanded_job(
                node_id, node, parent, known_type(node.type, parent.id, implementations)
            )
            if made[node_id].implementation.spec.terminal:
                wanted[node_id] = None
        for value in result.outputs:
            if isinstance(value, From):
                wanted[value.node] = None
                _check(value.node, value.output, made, jobs)
    for job in made.values():
        for source, output in job.sources.values():
            _check(source, output, made, jobs)
    return _ordered(made), tuple(wanted)


def _check(node: str, output: str, made: Mapping[str, Job], jobs: Mapping[str, Job]) -> None:
    job = made.get(node) or jobs.get(node)
    if job is None or all(each.name != output for each in job.implementation.spec.outputs):
        raise WorkflowError(f"The node refers to output '{output}' of '{node}', which does not exist.")


def _ordered(made: Mapping[str, Job]) -> dict[str, Job]:
    inner = {
        node: {name: link for name, link in job.sources.items() if link[0] in made}
        for node, job in made.items()
    }
    order = depth_first(tuple(made), inner)
    if order is None:
        raise WorkflowError("The nodes that it adds wait for each other.")
    return {node: made[node] for node in order}
