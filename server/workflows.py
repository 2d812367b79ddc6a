"""Saved workflows and templates, and understanding a file of any known format.

A saved workflow is `<name>.json`; its revision is the digest of its content. Whoever writes names the
revision they saw, so nobody's work is overwritten unseen, and the revisions before are kept.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from graph import document, formats
from graph.limits import check_data, parse
from graph.node import NodeSpec
from graph.workflow import Json, Workflow
from server.api import Imported, WorkflowInfo
from server.files import NotThere, UnsafeName, kind_of, opened, plain_name, write_durably

KEPT_REVISIONS = 20
PICTURE_SUFFIXES = (".webp", ".png", ".jpg")
ABSENT = "*"
"""As an expected revision: there must be no such workflow yet."""


class ChangedElsewhere(Exception):
    """The saved workflow is not the one the writer saw; `revision` is what it is now (None: it is gone)."""

    def __init__(self, revision: str | None) -> None:
        super().__init__("The workflow was changed elsewhere.")
        self.revision = revision


class Damaged(Exception):
    """The saved workflow is not whole; the message says what is wrong with it, `revision` which one it is."""

    def __init__(self, name: str, fault: str, revision: str) -> None:
        super().__init__(f"The saved workflow {name} is damaged: {fault[:1].lower()}{fault[1:]}.")
        self.hint = (
            f"It lies in the data folder as workflows/{name}.json, and older versions, if there are any, in "
            f"revisions/{name}. Mend it, put one of those in its place, or delete it."
        )
        self.revision = revision


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored document as text, with its revision."""

    text: bytes
    revision: str


def understand(data: bytes, specs: Mapping[str, NodeSpec]) -> Imported:
    """A file of any known format as our document. Raises UnreadableWorkflow."""
    text: str | bytes = data
    if kind_of(data[:32]).startswith(("image/", "video/")):
        from server.embedded import workflow_in  # brings Pillow or PyAV, which the server itself does without

        text = workflow_in(data) or data
    return understand_json(parse(text, nan=True), specs)


def understand_json(data: Json, specs: Mapping[str, NodeSpec]) -> Imported:
    """Decoded JSON of any known format as our document. Raises UnreadableWorkflow."""
    workflow, imported = read_any(data, specs)
    if imported is None:
        return Imported(document.to_json(workflow), "photogram")
    return Imported(document.to_json(workflow), imported.source, imported.problems)


def read_any(data: Json, specs: Mapping[str, NodeSpec]) -> tuple[Workflow, formats.Foreign | None]:
    """The workflow in decoded JSON, and what was noted if it was not ours. Raises UnreadableWorkflow."""
    check_data(data)
    if isinstance(data, dict) and "format" not in data and formats.is_foreign(data):
        foreign = formats.read(data, specs)
        return foreign.workflow, foreign
    return document.from_json(data), None


class Workflows:
    """The saved workflows of a folder. Writes wait for each other; no method blocks the event loop."""

    def __init__(self, folder: Path, revisions: Path) -> None:
        self._folder, self._revisions = folder, revisions
        self._lock = asyncio.Lock()

    async def list(self) -> tuple[WorkflowInfo, ...]:
        """Every saved workflow, the newest first."""
        return await asyncio.to_thread(_infos, self._folder, False)

    async def read(self, name: str) -> Saved:
        """One saved workflow. Raises NotThere, Damaged."""
        saved = await asyncio.to_thread(_read, self._folder, name)
        if fault := _head(saved.text)[1]:
            raise Damaged(name, fault, saved.revision)
        return saved

    async def write(self, name: str, workflow: Workflow, expected: str) -> WorkflowInfo:
        """Save, if what is saved now is of the expected revision. Raises ChangedElsewhere, UnsafeName."""
        async with self._lock:
            return await asyncio.to_thread(self._write, name, workflow, expected)

    async def delete(self, name: str, expected: str | None = None) -> None:
        """Remove a saved workflow; it stays among the kept revisions. Raises NotThere, ChangedElsewhere."""
        async with self._lock:
            await asyncio.to_thread(self._delete, name, expected)

    def _write(self, name: str, workflow: Workflow, expected: str) -> WorkflowInfo:
        path = self._folder / f"{plain_name(name)}.json"
        plain_name(path.name)
        now = self._now(name)
        if (ABSENT if now is None else now.revision) != expected:
            raise ChangedElsewhere(None if now is None else now.revision)
        text = document.write(workflow).encode()
        self._folder.mkdir(parents=True, exist_ok=True)
        if now is not None and now.text != text:
            self._keep(path.stem, now)
        write_durably(path, text)
        return _info(path.stem, text, path.stat().st_mtime, None)

    def _delete(self, name: str, expected: str | None) -> None:
        now = _read(self._folder, name)
        if expected not in (None, now.revision):
            raise ChangedElsewhere(now.revision)
        name = plain_name(name)
        self._keep(name, now)
        (self._folder / f"{name}.json").unlink()

    def _now(self, name: str) -> Saved | None:
        try:
            return _read(self._folder, name)
        except NotThere:
            return None

    def _keep(self, name: str, saved: Saved) -> None:
        folder = self._revisions / name
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / f"{time.time_ns():020d}-{saved.revision}.json", saved.text)
        for old in sorted(folder.glob("*.json"))[:-KEPT_REVISIONS]:
            old.unlink()


class Templates:
    """The workflows that come with the program, each with a picture beside it. Read-only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def list(self) -> tuple[WorkflowInfo, ...]:
        """Every template, by name."""
        infos = await asyncio.to_thread(_infos, self._folder, True)
        return tuple(sorted(infos, key=lambda info: info.name))

    async def read(self, name: str) -> Saved:
        """One template. Raises NotThere."""
        return await asyncio.to_thread(_read, self._folder, name)

    def picture(self, name: str) -> tuple[Path, str]:
        """Root and name of a template's picture. Raises NotThere."""
        found = _picture(self._folder, name)
        if found is None:
            raise NotThere(name)
        return self._folder, found


def revision_of(text: bytes) -> str:
    """What tells one content of a document from another."""
    return hashlib.sha256(text).hexdigest()[:32]


def _read(folder: Path, name: str) -> Saved:
    try:
        plain_name(name)
    except UnsafeName as error:
        raise NotThere(name) from error
    with opened(folder, f"{name}.json") as file:
        text = file.read()
    return Saved(text, revision_of(text))


def _infos(folder: Path, templates: bool) -> tuple[WorkflowInfo, ...]:
    found: list[WorkflowInfo] = []
    for path in folder.glob("*.json"):
        try:
            text, modified = _read(folder, path.stem).text, path.stat().st_mtime
            found.append(_info(path.stem, text, modified, _picture(folder, path.stem) if templates else None))
        except (NotThere, OSError):
            continue
    return tuple(sorted(found, key=lambda info: (-info.modified, info.name)))


class _Head(msgspec.Struct):
    """What a list shows of a document."""

    title: str = ""
    extra: dict[str, Any] = {}


def _head(text: bytes) -> tuple[_Head, str]:
    """What a list shows of a document, and what is wrong with it if it is damaged."""
    try:
        return msgspec.json.decode(text, type=_Head), ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _Head(), str(error)


def _info(name: str, text: bytes, modified: float, picture: str | None) -> WorkflowInfo:
    head, fault = _head(text)
    description = head.extra.get("description")
    return WorkflowInfo(
        name=name,
        title=head.title or name.replace("_", " "),
        revision=revision_of(text),
        modified=modified,
        picture=f"/v1/templates/{name}/picture" if picture else None,
        description=description if isinstance(description, str) else "",
        damaged=bool(fault),
    )


def _picture(folder: Path, name: str) -> str | None:
    try:
        names = [plain_name(name) + suffix for suffix in PICTURE_SUFFIXES]
    except UnsafeName:
        return None
    return next((each for each in names if (folder / each).is_file()), None)
