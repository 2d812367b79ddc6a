"""What the program around a node provides to it, asked for by type after the `*` of its signature."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from graph.workflow import Json


class Progress(Protocol):
    """Reports how far a node is. Raises Interrupted if the run was cancelled: long loops should call it."""

    def __call__(self, done: int, total: int, preview: object = None) -> None:
        """`done` of `total` steps are finished; `preview` is a small picture of the current state, if any."""


class Inputs(Protocol):
    """The files a person gave: names relative to the input folder, or `name [output]`, `name [temp]`."""

    def path(self, name: str) -> Path:
        """Where the file lies. Raises WorkflowError if it is not there or outside its folder."""

    def digest(self, name: str) -> str:
        """SHA-256 of the content, in hex."""


class Files(Protocol):
    """The folders that file pickers offer: `checkpoints`, `loras`, `input`, ..."""

    def stamp(self, folder: str, name: str) -> Json:
        """Tells this file from a changed one without reading it: size, mtime_ns, inode; None if missing."""

    def path(self, folder: str, name: str) -> Path:
        """Where the file lies. Raises WorkflowError if it is not there or outside its folder."""


class Outputs(Protocol):
    """Where a node leaves what it made."""

    def save(
        self,
        encode: Callable[[Path, Mapping[str, str]], None],
        *,
        prefix: str,
        suffix: str,
        shown: Mapping[str, Json],
        temporary: bool = False,
    ) -> None:
        """Keep a file and show it on the node.

        `encode(path, metadata)` writes it, later and off the execution path; `metadata` are texts to embed.
        The final name is `prefix_00001_` + suffix in the output folder, or in the temporary one.
        `shown` describes it to the editor, for example `{"kind": "image", "width": 512, "height": 512}`.
        """

    def show_text(self, text: str) -> None:
        """Show a text on the node."""


def quiet(done: int, total: int, preview: object = None) -> None:
    """A Progress that tells nobody."""
