"""What can go wrong with a workflow.

WorkflowError(message, hint, node, input)   the person's mistake; says what, where, and what to do
    UnreadableWorkflow                      the file is not a workflow, or of a newer version
    InvalidWorkflow(problems)               validation found faults; every one is listed
NodeDefinitionError                         a node author's mistake, found when the node is described
NodeFailed(node, cause)                     a node raised while it ran
Interrupted(BaseException)                  the person pressed stop; `except Exception` lets it pass
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault, told to a person: what is wrong, on which node and input, and what to do about it.

    `code` is stable and for programs: `unknown_node`, `missing_input`, `type_mismatch`, `value_out_of_range`,
    `not_an_option`, `wrong_kind`, `missing_file`, `cycle`, `dangling_link`, `lengths_differ`,
    `other_version`, `value_cut`, ...
    A `warning` does not stop a run.
    """

    code: str
    message: str
    hint: str = ""
    node: str | None = None
    input: str | None = None
    warning: bool = False


class WorkflowError(Exception):
    """A mistake in a workflow: `message` says what is wrong, `hint` what to do."""

    code = "workflow_error"

    def __init__(
        self, message: str, hint: str = "", node: str | None = None, input: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.hint, self.node, self.input = message, hint, node, input

    def problem(self) -> Problem:
        """The same as plain data."""
        return Problem(self.code, self.message, self.hint, self.node, self.input)


class UnreadableWorkflow(WorkflowError):
    """The text is not a workflow, or one of a newer version than this program knows."""

    code = "unreadable_workflow"


class InvalidWorkflow(WorkflowError):
    """Validation found faults; `problems` lists every one."""

    code = "invalid_workflow"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"The workflow has {len(problems)} problem{'s' * (len(problems) != 1)}.")
        self.problems = tuple(problems)


class NodeDefinitionError(Exception):
    """A node cannot be described from its signature; the message names the parameter and the remedy."""


class NodeFailed(Exception):
    """A node raised while it ran. `cause` is what it raised."""

    def __init__(self, node: str, cause: BaseException) -> None:
        super().__init__(f"Node {node} failed: {cause}")
        self.node, self.cause = node, cause


class Interrupted(BaseException):
    """The run was cancelled."""
