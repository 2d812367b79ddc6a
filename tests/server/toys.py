"""A pack of small nodes that sleep, save, fail, crash and hang; and a whole runner over it, without torch."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server import api
from server.assets import Assets
from server.database import Database
from server.hub import Hub
from server.messages import Settings
from server.queue import Queue
from server.runner import Limits, LocalRunner

PROGRAM = Path(__file__).resolve().parents[2]
SOURCE = '''
import asyncio, ctypes, os, threading, time
from pathlib import Path
from graph.define import node
from graph.errors import WorkflowError
from graph.services import Inputs, Outputs, Progress, quiet

def parent_is_changed(values):
    return {("value" if name == "old" else name): value for name, value in values.items()}

@node(version=2, upgrades={1: parent_is_changed})
def number(value: int = 0) -> int:
    """A number."""
    return value

@node()
def sleep(value: int = 0, seconds: float = 0.0, *, progress: Progress = quiet) -> int:
    """Pass a number on after a while, and stop when asked."""
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        done += 1
        progress(done, 1000)
        time.sleep(0.005)
    return value

@node()
def stubborn(seconds: float = 0.0) -> int:
    """Sleep and listen to nobody."""
    time.sleep(seconds)
    return 0

@node()
def spin(seconds: float = 0.0) -> int:
    """Compute without a word."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))
    return 0

@node()
def hang() -> int:
    """Never return."""
    threading.Event().wait()
    return 0

@node()
async def wait(seconds: float = 0.0) -> int:
    """Wait without a thread."""
    await asyncio.sleep(seconds)
    return 0

@node()
def die(value: int = 0, times: int = 1000, notes: str = "") -> int:
    """End the process, so many times."""
    with open(notes, "a+") as file:
        file.write("x")
    if os.path.getsize(notes) <= times:
        os._exit(3)
    return value

@node()
def crash() -> int:
    """Read address zero."""
    return ctypes.string_at(0)[0]

@node()
def boom(text: str = "It broke.") -> int:
    """Raise what no author foresaw."""
    raise ValueError(text)

@node()
def slip() -> int:
    """Ask an iterator for what it does not have, as is easily done."""
    return next(iter([]))

@node()
def leave(text: str = "") -> int:
    """Try to end the program."""
    raise KeyboardInterrupt

@node()
async def leave_later() -> int:
    """Try to end the program from a task."""
    raise SystemExit(3)

@node()
def refuse(text: str = "The number is too odd.") -> int:
    """Raise what an author foresaw."""
    raise WorkflowError(text, "Choose an even one.", input="value")

@node()
def steps(count: int = 100, pause: float = 0.0, *, progress: Progress = quiet) -> int:
    """Report every step, quickly, and print a little."""
    from PIL import Image
    print("this must not reach the server")
    for done in range(1, count + 1):
        progress(done, count, lambda: Image.new("RGB", (2000, 1000), "red"))
        time.sleep(pause)
    return count

@node()
def environment(name: str = "", wanted: str = "") -> int:
    """Whether a variable of the worker's environment has a value."""
    return int(os.environ.get(name) == wanted)

@node()
def size_of(name: str = "") -> int:
    """Never asked."""
    return 0

@node()
def read(name: str = "", *, inputs: Inputs) -> int:
    """The size of an input file."""
    return inputs.path(name).stat().st_size

@node()
def many(count: int = 3) -> list[int]:
    """A list of numbers."""
    return list(range(count))

@node()
def save(value: int = 0, prefix: str = "toy", times: int = 1, bytes: int = 1000, *, outputs: Outputs) -> None:
    """Write files that are easy to check."""
    for number in range(times):
        def encode(path, metadata, number=number):
            path.write_text(f"begin {value} {number} " + "." * bytes + " end " + metadata["workflow"])
        outputs.save(encode, prefix=prefix, suffix=".txt", shown={"kind": "image", "width": 1, "height": 1})

@node()
def fail_to_save(value: int = 0, *, outputs: Outputs) -> None:
    """A file that cannot be written."""
    def encode(path, metadata):
        raise OSError(28, "No space left on device")
    outputs.save(encode, prefix="toy", suffix=".txt", shown={"kind": "image"})
'''

QUICK = Limits(cancel=1.0, stop=2.0, prepare=10.0, first_pause=0.05, longest_pause=0.2, tick=0.05, disk=0.1)


def workflow(**nodes: dict[str, Any]) -> str:
    """A document of toys: `sleep={"value": 1}` is of the type toys.sleep, `a__die={}` of toys.die."""
    written = {}
    for name, inputs in nodes.items():
        written[name] = {"type": f"toys.{name.rpartition('__')[2]}", "inputs": inputs}
    return json.dumps({"format": 1, "nodes": written})


def saved(value: int = 1, **through: Any) -> str:
    """A document that saves a number after sleeping."""
    sleep = {"value": value, "seconds": through.get("seconds", 0.0)}
    return workflow(
        sleep=sleep, save={"value": {"link": ["sleep", "INT"]}, "prefix": through.get("prefix", "toy")}
    )


@dataclass
class Plant:
    """A server without HTTP."""

    folder: Path
    database: Database
    hub: Hub
    queue: Queue
    runner: LocalRunner

    async def ended(self, id: str, seconds: float = 30.0) -> api.Run:
        """The run, once it has ended."""
        listener = self.hub.subscribe()
        try:
            async with asyncio.timeout(seconds):
                while (run := await self.queue.get(id)) is not None and run.finished is None:
                    await anext(listener)
        finally:
            listener.close()
        assert run is not None
        return run

    async def run(self, document: str) -> api.Run:
        """Queue a document and wait for its end."""
        return await self.ended((await self.queue.add(document)).id)

    async def started(self, id: str) -> None:
        """Wait until a node of the run has started."""
        await self.told("node_started", id)

    async def told(self, *words: str) -> dict[str, Any]:
        """The first event with these words in it, among those that were or still come."""
        with closing(self.hub.subscribe(after=0)) as listener:
            async with asyncio.timeout(30):
                while not (
                    isinstance(frame := await anext(listener), str) and all(w in frame for w in words)
                ):
                    pass
        event: dict[str, Any] = json.loads(frame)
        return event

    def files(self, prefix: str = "toy") -> list[Path]:
        """What was saved under a prefix."""
        return sorted((self.folder / "output").glob(f"{prefix}_*"))


def settings(folder: Path, **changes: Any) -> Settings:
    """Settings for a worker that knows the toys only."""
    (folder / "packs").mkdir(parents=True, exist_ok=True)
    (folder / "packs" / "toys.py").write_text(SOURCE)
    folders = {name: str(folder / name) for name in ("input", "output", "temp")}
    given: dict[str, Any] = {
        "packs": (str(folder / "packs"),),
        "heartbeat_seconds": 0.1,
        "builtin_nodes": False,
    }
    return Settings((str(folder / "models"),), **folders, **{**given, **changes})


@asynccontextmanager
async def plant(
    folder: Path, limits: Limits = QUICK, kind: type[Queue] = Queue, **changes: Any
) -> AsyncIterator[Plant]:
    """Everything the server has below HTTP, started and stopped again."""
    async with Database(folder / "photogram.sqlite") as database:
        hub = Hub(database)
        await hub.start()
        queue = kind(database, hub)
        assets = Assets(database, folder / "output", folder / "temp")
        runner = LocalRunner(queue, hub, assets, settings(folder, **changes), folder / "catalog.json", limits)
        await runner.start()
        try:
            yield Plant(folder, database, hub, queue, runner)
        finally:
            await runner.stop()
            await hub.stop()
