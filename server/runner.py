"""What runs the queue: starts a worker, hands it runs, stores what it makes, and survives its death."""

from typing import Protocol

from graph.errors import Problem
from graph.workflow import Workflow
from server import api


class Runner(Protocol):
    """Carries out the runs of a queue. Implemented by worker processes on this machine."""

    @property
    def state(self) -> api.WorkerState:
        """How the worker is."""

    @property
    def reason(self) -> str:
        """Why it is not ready, or nothing."""

    @property
    def device(self) -> api.Device | None:
        """What it computes on, once known."""

    async def start(self) -> None:
        """Take back unfinished runs and begin. Returns before the worker is ready."""

    async def stop(self) -> None:
        """End the worker; a run in progress goes back to the queue."""

    def catalog(self) -> api.Catalog | None:
        """The node types there are: from the last start (`stale`) until the worker has answered."""

    async def prepare(self, workflow: Workflow) -> tuple[Workflow, tuple[Problem, ...]]:
        """Bring old node versions up to date and ask the nodes that check their own values."""

    async def cancel(self, id: str) -> api.Run | None:
        """End a queued run, or stop a running one within seconds. None if there is no such run."""

    async def free(self) -> None:
        """Let go of models and cached results."""
