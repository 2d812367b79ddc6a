"""What an application is made of: built once in `app.py`, found by every route under one key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aiohttp import web

from graph.node import NodeSpec
from server import api
from server.config import Config
from server.database import Database
from server.files import free_bytes
from server.folders import Folders
from server.http import Refusal, absent, refusal
from server.hub import Hub
from server.pictures import Pictures
from server.queue import Queue
from server.runner import Runner
from server.thumbnails import Thumbnails
from server.workflows import Templates, Workflows


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything with state that routes use."""

    config: Config
    database: Database
    hub: Hub
    queue: Queue
    runner: Runner
    folders: Folders
    workflows: Workflows
    templates: Templates
    pictures: Pictures
    thumbnails: Thumbnails
    version: str

    def catalog(self) -> api.Catalog:
        """The node types there are. Raises Refusal 503 before the first worker ever answered."""
        catalog = self.runner.catalog()
        if catalog is None:
            raise starting(self.runner.reason)
        return catalog

    def specs(self) -> Mapping[str, NodeSpec]:
        """The node types by name."""
        return {spec.type: spec for spec in self.catalog().nodes}

    def require_room(self, *names: Literal["data", "input", "output"]) -> None:
        """Raises Refusal 507 if a disk on which these folders lie is nearly full."""
        least = self.config.min_free_bytes
        for name in names:
            free = free_bytes(getattr(self.config, name))
            if free < least:
                message = (
                    f"Only {free / 1e9:.1f} GB are free on the disk of the {name} folder; "
                    f"{least / 1e9:.1f} GB are needed."
                )
                raise refusal(507, "disk_full", message, "Free some space, or lower --min-free-bytes.")

    def root(self, folder: str) -> Path:
        """The folder called input, output or temp. Raises Refusal 404 for any other."""
        roots = {"input": self.config.input, "output": self.config.output, "temp": self.config.temp}
        if folder not in roots:
            raise absent("folder")
        return roots[folder]


PARTS = web.AppKey("PARTS", Parts)


def starting(reason: str = "") -> Refusal:
    """503: the worker does not answer yet, and asking again soon helps."""
    message = "The node types are still being loaded."
    return refusal(503, "starting", message, reason or "Try again shortly.", {"Retry-After": "2"})
