"""What a running node is given: progress, its input files, and a place to leave what it made."""

import io
import secrets
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

import msgspec
from PIL import Image

from graph.errors import Interrupted, Problem, WorkflowError
from graph.events import NodeProgress
from graph.node import Host, Implementation, Input, NodeSpec, Result
from graph.services import Outputs, Progress
from graph.workflow import Json
from server import api, messages
from server.assets import Item, expanded, staging
from server.files import UnsafeName, plain_name

T = TypeVar("T")
BETWEEN_REPORTS = 0.1
"""Seconds between two reports of progress, and between two previews, of one node."""
PREVIEW_PAUSE, LONGEST_PAUSE = 3, 2.0
"""After a preview none is made for so many times as long as it took, but for so many seconds at most."""
PREVIEW_PX = 512
MOST_UNSAVED = 8
"""How many files wait for the encoder before a node that saves more has to wait itself."""
MOST_MARKS = 10_000
SAVED = "\x00saved"
"""The key of the mark that stands for a saved file until it has its name."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the files of nodes lie."""

    input: Path
    output: Path
    temp: Path


@dataclass(slots=True)
class Saved:
    """A file on its way: being encoded, and once the server has named it, what is shown of it."""

    node: str
    item: Item
    encoded: "Future[None]"
    shown: Mapping[str, Json] | None = None


class Shelf:
    """Files that nodes saved, by mark. A mark outlives its run with the cached result."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._saved: dict[str, Saved] = {}
        self._again: Counter[str] = Counter()

    def put(self, saved: Saved) -> Mapping[str, Json]:
        """The mark that stands for the file."""
        mark = secrets.token_hex(8)
        self._saved[mark] = saved
        return {SAVED: mark}

    def find(self, item: Mapping[str, Json]) -> Saved | None:
        """The file of a mark; None if it was forgotten."""
        return self._saved.get(str(item[SAVED]))

    def round(self, node: str) -> int:
        """How often a file of that node was found gone: part of its cache key, so that it is saved again."""
        return self._again[node]

    def check(self) -> None:
        """Forget the files that are gone, and beyond ten thousand the oldest."""
        beyond = max(0, len(self._saved) - MOST_MARKS)
        for number, (mark, saved) in enumerate(tuple(self._saved.items())):
            if number < beyond or (saved.shown is not None and not self._path(saved.shown).is_file()):
                self._forget(mark, saved)

    def drop_unnamed(self) -> None:
        """Forget, and remove, what a run left behind without a name."""
        for mark, saved in tuple(self._saved.items()):
            if saved.shown is None and saved.item.staged is not None:
                saved.encoded.cancel()
                with suppress(OSError):  # the disk may have become read-only under it
                    Path(saved.item.staged).unlink(missing_ok=True)
                self._forget(mark, saved)

    def _forget(self, mark: str, saved: Saved) -> None:
        self._again[saved.node] += 1
        del self._saved[mark]

    def _path(self, shown: Mapping[str, Json]) -> Path:
        root = self._folders.temp if shown.get("folder") == "temp" else self._folders.output
        return root / str(shown.get("name"))


@dataclass(slots=True)
class _Reports:
    """What one node last told about its progress."""

    sent: float = 0.0
    shown: float = 0.0
    unsent: NodeProgress | None = None


@dataclass(slots=True)
class Scope:
    """What the nodes of one run share. `stop` is set when the run is to end."""

    run: str
    send: Callable[[messages.ToServer], None]
    folders: Folders
    metadata: Mapping[str, str]
    shelf: Shelf
    encoder: ThreadPoolExecutor
    services: Mapping[type, object] = field(default_factory=dict)
    is_watched: Callable[[], bool] = lambda: False
    sign: Callable[[], None] = lambda: None
    stop: threading.Event = field(default_factory=threading.Event)
    reports: dict[str, _Reports] = field(default_factory=dict)
    room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_UNSAVED))
    previewing: threading.Lock = field(default_factory=threading.Lock)

    def host(self, node: str) -> "NodeHost":
        """A host for one call of that node."""
        return NodeHost(node, self)

    def flush(self, node: str) -> None:
        """Send what the node last reported, if it was held back."""
        reports = self.reports.pop(node, None)
        if reports is not None and reports.unsent is not None:
            self.send(happened(self.run, reports.unsent))


def happened(run: str, event: object) -> messages.Happened:
    """The message that carries an event."""
    return messages.Happened(run, msgspec.to_builtins(event))


class NodeHost:
    """What one call of one node may ask for."""

    def __init__(self, node: str, scope: Scope) -> None:
        self.node = node
        self.marks: list[Mapping[str, Json]] = []
        self._scope = scope

    def service(self, kind: type[T]) -> T:
        """The service of that type. Raises LookupError if this program has none."""
        own: Mapping[object, object] = {Progress: NodeProgressReport(self.node, self._scope), Outputs: self}
        found = own.get(kind, self._scope.services.get(kind))
        if found is None:
            raise LookupError(f"There is no service of the type {kind.__name__}.")
        return cast(T, found)

    def check(self) -> None:
        """Raises Interrupted if the run was cancelled."""
        if self._scope.stop.is_set():
            raise Interrupted

    def save(
        self,
        encode: Callable[[Path, Mapping[str, str]], None],
        *,
        prefix: str,
        suffix: str,
        shown: Mapping[str, Json],
        temporary: bool = False,
    ) -> None:
        """Keep a file: written in the background now, named when the node has finished."""
        self.check()
        scope = self._scope
        try:
            expanded(prefix, shown)
            plain_name(f"a{suffix}")
        except UnsafeName as error:
            raise WorkflowError(str(error), "Choose another prefix for the file name.", self.node) from error
        root = scope.folders.temp if temporary else scope.folders.output
        staged = staging(root) / f"{secrets.token_hex(16)}{suffix}"
        while not scope.room.acquire(timeout=BETWEEN_REPORTS):
            self.check()
        job = scope.encoder.submit(_encode, encode, staged, scope.metadata)
        job.add_done_callback(lambda _: scope.room.release())
        item = Item(dict(shown), str(staged), prefix, suffix, temporary)
        self.marks.append(scope.shelf.put(Saved(self.node, item, job)))

    def show_text(self, text: str) -> None:
        """Show a text on the node."""
        self.marks.append({"kind": "text", "text": text})


def _encode(
    encode: Callable[[Path, Mapping[str, str]], None], staged: Path, metadata: Mapping[str, str]
) -> None:
    staged.parent.mkdir(parents=True, exist_ok=True)
    encode(staged, metadata)


class NodeProgressReport:
    """The progress of one node, and previews if watched: ten times a second at most, and the last always."""

    def __init__(self, node: str, scope: Scope) -> None:
        self._node, self._scope = node, scope

    def __call__(self, done: int, total: int, preview: object = None) -> None:
        """Report; raises Interrupted if the run was cancelled."""
        scope = self._scope
        if scope.stop.is_set():
            raise Interrupted
        scope.sign()
        now, reports = time.monotonic(), scope.reports.setdefault(self._node, _Reports())
        event = NodeProgress(self._node, done, total)
        if now - reports.sent >= BETWEEN_REPORTS:
            scope.send(happened(scope.run, event))
            reports.sent, reports.unsent = now, None
        else:
            reports.unsent = event
        is_due = done == total or now - reports.shown >= BETWEEN_REPORTS
        if preview is not None and is_due and scope.is_watched():
            self._preview(preview, done, total)
            took = time.monotonic() - now
            reports.shown = now + min(LONGEST_PAUSE, PREVIEW_PAUSE * took)

    def _preview(self, preview: object, done: int, total: int) -> None:
        """Send a picture, encoded in the background; if the one before is still being encoded, none."""
        scope = self._scope
        picture = preview() if callable(preview) else preview
        if not isinstance(picture, Image.Image) or not scope.previewing.acquire(blocking=False):
            return

        def send() -> None:
            try:
                about = api.PreviewHeader(scope.run, self._node, done, total, "image/jpeg")
                scope.send(messages.Previewed(about, jpeg(picture)))
            finally:
                scope.previewing.release()

        scope.encoder.submit(send)


def jpeg(picture: Image.Image) -> bytes:
    """A small JPEG of a picture."""
    small = picture.convert("RGB")
    small.thumbnail((PREVIEW_PX, PREVIEW_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


Guard: TypeAlias = Callable[[NodeSpec], AbstractContextManager[object]]
"""What a synchronous node runs inside of: no gradients, say."""


class Hosted:
    """An implementation as this program runs it: inside a guard, and with marks for what it saved."""

    def __init__(self, inner: Implementation, shelf: Shelf, guard: Guard) -> None:
        self.spec = inner.spec
        self._inner, self._shelf, self._guard = inner, shelf, guard

    def inputs(self, values: Mapping[str, object]) -> Sequence[Input]:
        """As the inner one."""
        return self._inner.inputs(values)

    def validate(self, values: Mapping[str, object]) -> Sequence[Problem]:
        """As the inner one."""
        return self._inner.validate(values)

    def fingerprint(self, values: Mapping[str, object], host: Host) -> Json:
        """The inner one, and how often a file of the node was found gone."""
        inner, again = self._inner.fingerprint(values, host), self._shelf.round(host.node)
        return [inner, again] if again else inner

    def needs(self, values: Mapping[str, object], state: object) -> Sequence[str]:
        """As the inner one."""
        return self._inner.needs(values, state)

    def new_state(self) -> object:
        """As the inner one."""
        return self._inner.new_state()

    def call(self, inputs: Mapping[str, object], host: Host, state: object) -> Result | Awaitable[Result]:
        """Run the inner one, and add what it saved to what it shows."""
        if self.spec.is_async:
            return _marked_later(self._inner.call(inputs, host, state), host)
        with self._guard(self.spec):
            result = self._inner.call(inputs, host, state)
        return _marked(result, host) if isinstance(result, Result) else _marked_later(result, host)


async def _marked_later(result: Result | Awaitable[Result], host: Host) -> Result:
    return _marked(result if isinstance(result, Result) else await result, host)


def _marked(result: Result, host: Host) -> Result:
    if not isinstance(host, NodeHost) or not host.marks:
        return result
    return replace(result, shown=(*result.shown, *host.marks))
