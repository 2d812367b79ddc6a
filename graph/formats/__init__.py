"""Reading the workflow files of the field: the editor's ("ui") and the flat one that is queued ("api").

`read` tells them apart. Text is taken apart elsewhere; files that carry a workflow inside, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graph.document import check_id
from graph.errors import Problem, UnreadableWorkflow
from graph.formats import comfy_api, comfy_ui
from graph.node import NodeSpec
from graph.workflow import Json, Workflow


@dataclass(frozen=True, slots=True)
class Foreign:
    """A workflow of the field as our document, and what could not be carried over exactly."""

    workflow: Workflow
    problems: tuple[Problem, ...] = ()
    source: Literal["ui", "api"] = "ui"


def is_foreign(data: Json) -> bool:
    """Whether this JSON is a workflow file of the field."""
    return comfy_api.looks_like(data) or comfy_ui.looks_like(data)


def read(data: Json, specs: Mapping[str, NodeSpec]) -> Foreign:
    """Read a workflow file of the field. Node types that `specs` lacks stay, wired and complete.

    Raises UnreadableWorkflow if it is not one.
    """
    if comfy_api.looks_like(data):
        found = Foreign(comfy_api.read(data, specs), source="api")
    elif comfy_ui.looks_like(data):
        found = Foreign(*comfy_ui.read(data, specs))
    else:
        raise UnreadableWorkflow(
            "This is JSON, but not a workflow.",
            "Open a workflow file, or a picture that was saved with one inside.",
        )
    for graph in (found.workflow.graph, *found.workflow.subgraphs.values()):
        for id in graph.nodes:
            check_id(id)
    return found
