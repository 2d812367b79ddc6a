"""From a request to a durable run: read the workflow, set values, check everything, queue it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from graph import document
from graph.declared import declared
from graph.errors import InvalidWorkflow, Problem, WorkflowError
from graph.flatten import flatten
from graph.node import NodeSpec
from graph.suggest import brief, did_you_mean
from graph.validate import problems as problems_of
from graph.workflow import Graph, Json, Node, Workflow
from server import api
from server.assets import expanded
from server.files import UnsafeName
from server.folders import Folders
from server.http import refusal
from server.parts import Parts, starting
from server.shift import NotReady
from server.workflows import read_any

MOST_QUEUED = 10_000
MOST_NAMED = 12
"""How many names a hint lists."""
Files = Callable[[str], Sequence[str]]


async def submit(parts: Parts, request: api.RunRequest) -> api.Run:
    """Queue a workflow; durable when this returns. Raises InvalidWorkflow with every fault found."""
    specs = parts.specs()
    await asyncio.to_thread(parts.require_room, "data", "output")
    if (await parts.queue.counts()).queued >= MOST_QUEUED:
        raise refusal(
            429, "queue_full", f"{MOST_QUEUED:,} runs are waiting already.", "Wait, or cancel some."
        )
    workflow = await asyncio.to_thread(understood, request, specs)
    workflow = await _prepared(parts, workflow)
    await asyncio.to_thread(check, workflow, specs, request.targets, parts.folders)
    text = await asyncio.to_thread(document.write, workflow)
    title = request.title or workflow.graph.title
    return await parts.queue.add(text, title=title[:200], targets=request.targets, front=request.front)


def understood(request: api.RunRequest, specs: Mapping[str, NodeSpec]) -> Workflow:
    """The workflow of a request, with its values set."""
    workflow, _ = read_any(request.workflow, specs)
    for key, value in request.values.items():
        workflow = with_value(workflow, specs, key, value)
    return workflow


def with_value(workflow: Workflow, specs: Mapping[str, NodeSpec], key: str, value: Json) -> Workflow:
    """Set one input: `key` names an input of the workflow, or is `node.input` with the longest id there is.

    A link into the input gives way. Raises WorkflowError if there is no such node, input or named input.
    """
    graph = workflow.graph
    targets = targets_of(graph, key)
    nodes = dict(graph.nodes)
    for id, name in targets:
        if id in nodes:
            require_input(id, nodes[id], specs, name)
            nodes[id] = replace(nodes[id], inputs={**nodes[id].inputs, name: value})
    links = tuple(link for link in graph.links if (link.to_node, link.input) not in targets)
    return replace(workflow, graph=replace(graph, nodes=nodes, links=links))


def require_input(id: str, node: Node, specs: Mapping[str, NodeSpec], name: str) -> None:
    """Raises WorkflowError if a node of a known type has no such input."""
    spec = specs.get(node.type)
    if spec is None or spec.has_dynamic_inputs:
        return
    known = declared(spec.inputs, {**node.inputs, name: None})
    if name not in known:
        hint = did_you_mean(name, known) or f"Its inputs are {', '.join(known)}."
        raise WorkflowError(f"{spec.title or spec.type} has no input {brief(name)}.", hint, id, name)


def targets_of(graph: Graph, key: str) -> Sequence[tuple[str, str]]:
    """The inputs that a key means, as pairs of node id and input name. Raises WorkflowError."""
    if (found := next((each for each in graph.inputs if each.name == key), None)) is not None:
        return found.targets
    for dot in reversed([place for place, letter in enumerate(key) if letter == "."]):
        if key[:dot] in graph.nodes and key[dot + 1 :]:
            return ((key[:dot], key[dot + 1 :]),)
    names = [each.name for each in graph.inputs]
    known = names + [f"{id}.{name}" for id, node in graph.nodes.items() for name in node.inputs]
    named = f"Its named inputs are {', '.join(names[:MOST_NAMED])}; any other is" if names else "An input is"
    hint = did_you_mean(key, known) or f"{named} written NODE.INPUT."
    raise WorkflowError(f"The workflow has no input {brief(key)}.", hint)


async def _prepared(parts: Parts, workflow: Workflow) -> Workflow:
    try:
        workflow, found = await parts.runner.prepare(workflow)
    except NotReady as error:
        raise starting(str(error)) from error
    if any(not problem.warning for problem in found):
        raise InvalidWorkflow(found)
    return workflow


def check(
    workflow: Workflow, specs: Mapping[str, NodeSpec], targets: Sequence[str] | None, folders: Folders
) -> tuple[Problem, ...]:
    """The warnings about a workflow. Raises InvalidWorkflow if anything would stop a run."""
    found = (*faults(workflow, specs, targets, folders.files),)
    if any(not problem.warning for problem in found):
        raise InvalidWorkflow(found)
    return found


def faults(
    workflow: Workflow, specs: Mapping[str, NodeSpec], targets: Sequence[str] | None, files: Files
) -> tuple[Problem, ...]:
    """Everything wrong with a workflow, and warnings; `files` lists the files of a folder."""
    flat = flatten(workflow, specs)
    unknown = [target for target in targets or () if target not in flat.nodes]
    missing = tuple(
        Problem("unknown_node", f"There is no node {target!r} to run up to.", "", target)
        for target in unknown
    )
    if missing:
        return missing
    return (*problems_of(flat, specs, targets, files), *prefix_faults(flat))


def prefix_faults(flat: Graph) -> tuple[Problem, ...]:
    """Prefixes of file names that would leave the output folder, or that no file can have."""
    found: list[Problem] = []
    for id, node in flat.nodes.items():
        prefix = node.inputs.get("filename_prefix")
        if not isinstance(prefix, str):
            continue
        try:
            expanded(prefix, {})
        except UnsafeName as error:
            hint = "Use letters, digits and folders inside the output folder."
            found.append(Problem("unsafe_name", str(error), hint, id, "filename_prefix"))
    return tuple(found)
