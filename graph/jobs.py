"""The nodes of one run, ready to be computed: what runs each, what it was given, and what it reads."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graph.cache import Items
from graph.declared import declared
from graph.errors import WorkflowError
from graph.keys import base_key, fresh
from graph.node import ExpandedNode, Host, Implementation, Input, folder_of
from graph.plan import Plan, Sources
from graph.suggest import did_you_mean

HostFor: TypeAlias = Callable[[str], Host]


@dataclass(slots=True)
class Job:
    """One node of the run. Nodes made by expansion name the node of the document they came from as `root`."""

    id: str
    implementation: Implementation
    literals: Mapping[str, Items]
    sources: Sources
    lazy: frozenset[str]
    whole: frozenset[str]
    files: frozenset[str]
    """The wired inputs that name files: what these hold is part of the key, once the names have arrived."""
    root: str
    shown_as: str
    """The node whose place in the editor shows what this one does."""
    quiet: bool = False
    """Made by expansion, and shown as the node that made it: its start and finish are not told."""
    base: str = ""
    origin: str = ""
    actual: str = ""


def document_jobs(plan: Plan, implementations: Mapping[str, Implementation]) -> dict[str, Job]:
    """A job for each node of the plan. Raises WorkflowError if a type is not known."""
    jobs: dict[str, Job] = {}
    for node_id in plan.order:
        node = plan.graph.nodes[node_id]
        implementation = known_type(node.type, node_id, implementations)
        jobs[node_id] = _job(node_id, implementation, node.inputs, plan.sources[node_id], node_id, node_id)
    return jobs


def expanded_job(node_id: str, node: ExpandedNode, parent: Job, implementation: Implementation) -> Job:
    """A job for a node that an expansion made."""
    job = _job(
        node_id, implementation, node.literals, node.links, parent.root, node.shown_as or parent.shown_as
    )
    job.quiet = job.shown_as == parent.shown_as
    return job


def known_type(node_type: str, node_id: str, implementations: Mapping[str, Implementation]) -> Implementation:
    """What runs nodes of a type. Raises WorkflowError if nothing does."""
    found = implementations.get(node_type)
    if found is None:
        hint = did_you_mean(node_type, implementations)
        raise WorkflowError(f"There is no node type '{node_type}'.", hint, node=node_id)
    return found


def set_base_keys(jobs: Iterable[Job], host_for: HostFor, names: Mapping[str, Items] | None = None) -> None:
    """Ask each node what else its result depends on. Touches files, so it belongs on the device thread.

    `names` holds the items of the wired inputs that name files; a node with such inputs has no lasting key
    without them.
    """
    named = {name: items[0] if len(items) == 1 else [*items] for name, items in (names or {}).items()}
    for job in jobs:
        literals = {
            name: items[0] if name not in job.whole else items for name, items in job.literals.items()
        }
        if not job.files <= named.keys():
            job.base = fresh()
            continue
        try:
            found = job.implementation.fingerprint(
                {**literals, **dict.fromkeys(job.sources), **named}, host_for(job.id)
            )
        except Exception:  # noqa: BLE001 - a node that cannot say what it depends on is computed again
            job.base = fresh()
        else:
            job.base = base_key(job.implementation.spec, job.id, literals, found)


def _job(
    node_id: str,
    implementation: Implementation,
    literals: Mapping[str, object],
    sources: Sources,
    root: str,
    shown_as: str,
) -> Job:
    given = {**literals, **dict.fromkeys(sources)}
    inputs = _inputs(implementation, given)
    lazy = whole = frozenset[str]()
    files = frozenset(name for name in sources if name in inputs and folder_of(inputs[name]) is not None)
    if any(one.lazy or one.takes_list for one in inputs.values()):
        lazy = frozenset(name for name in sources if name in inputs and inputs[name].lazy)
        whole = frozenset(name for name, one in inputs.items() if one.takes_list)
    kept = {
        name: tuple(value) if name in whole and isinstance(value, list) else (value,)
        for name, value in literals.items()
        if name in inputs and name not in sources
    }
    return Job(node_id, implementation, kept, sources, lazy, whole, files, root, shown_as)


def _inputs(implementation: Implementation, given: Mapping[str, object]) -> Mapping[str, Input]:
    spec = implementation.spec
    if spec.has_dynamic_inputs:
        return declared(implementation.inputs(given), given)
    return declared(spec.inputs, given)
