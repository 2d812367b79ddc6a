"""The worker process: imports the nodes, describes them, and executes runs. `python -m server.worker`.

Speaks with the server over its own ends of stdin and stdout; what a node prints goes to the log. It alone
imports torch and the nodes. It ends when the server's end of the pipe closes, whatever a node is doing.
"""

import asyncio
import ctypes
import faulthandler
import json
import logging
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from diffusion import heap
from graph import document
from graph.cache import Cache
from graph.catalog import Catalog
from graph.errors import Problem, WorkflowError
from graph.failure import told
from graph.flatten import flatten
from graph.node import NodeSpec
from graph.packs import load_all
from graph.services import Files, Inputs
from graph.upgrade import upgrade
from server import api, messages
from server.execution import Engine, Execution, outcome
from server.folders import MODEL_FOLDERS
from server.hosting import Folders, Hosted, Scope, Shelf
from server.inputs import FolderFiles, FolderInputs
from server.logs import configure

ENCODERS = 2
PARENT_DEATH_SIGNAL = 1
log = logging.getLogger(__name__)


class NoDevice(Exception):
    """What was chosen to compute on is not there; the message says what is."""


class Line:
    """The pipes to the server. Sending is safe from any thread."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source, self._target = source, target
        self._lock = threading.Lock()

    def send(self, message: messages.ToServer) -> None:
        """Send a message; without a server to hear it, the process is over."""
        data = messages.pack(message)
        try:
            with self._lock:
                self._target.write(data)
                self._target.flush()
        except OSError:
            os._exit(0)

    def receive(self) -> messages.ToWorker | None:
        """The next message, or None when the server is gone."""
        message: messages.ToWorker | None = messages.receive(self._source.read)
        return message


class Computing:
    """The device, and the services that need it."""

    def __init__(self, settings: messages.Settings) -> None:
        self.services: dict[type, object] = {}
        self._settings = settings
        self._memory: Any = None
        if settings.builtin_nodes:
            self._begin()

    def _begin(self) -> None:
        import torch

        from diffusion.library import ModelLibrary
        from diffusion.memory import Memory

        if self._settings.threads:
            torch.set_num_threads(self._settings.threads)
        device = _device(self._settings.device)
        memory = Memory(device, precision=self._settings.precision)  # type: ignore[arg-type]
        roots = [Path(root) for root in self._settings.models]
        folders = {kind: [root / b for root in roots for b in below] for kind, below in MODEL_FOLDERS.items()}
        self._memory = memory
        converted = Path(self._settings.converted) if self._settings.converted else None
        self.services |= {Memory: memory, ModelLibrary: ModelLibrary(folders, memory, converted)}

    def guard(self, spec: NodeSpec) -> AbstractContextManager[object]:
        """No gradients for synchronous nodes, unless the node asks for them."""
        torch = sys.modules.get("torch")
        return nullcontext() if torch is None or spec.grad else torch.inference_mode()

    def device(self) -> api.Device:
        """What computes, and how much of its memory is free now."""
        if self._memory is None:
            return api.Device("cpu", _processor(), *_main_memory())
        import torch

        precision = str(self._memory.dtype("network", torch.float32)).removeprefix("torch.")
        if self._memory.device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self._memory.device)
            return api.Device("cuda", torch.cuda.get_device_name(self._memory.device), total, free, precision)
        return api.Device(self._memory.device.type, _processor(), *_main_memory(), precision)

    def warm_up(self) -> None:
        """Import what the first network will need, while nobody waits for it yet."""
        if self._memory is not None:
            from diffusion import networks

            networks.warm_up()

    def free(self) -> None:
        """Let idle networks go."""
        if self._memory is not None:
            self._memory.evict_idle()


class Worker:
    """Answers the server and carries out one run at a time."""

    def __init__(self, settings: messages.Settings, line: Line) -> None:
        self._settings, self._line = settings, line
        self._computing = Computing(settings)
        folders = Folders(Path(settings.input), Path(settings.output), Path(settings.temp))
        self._folders, self._shelf = folders, Shelf(folders)
        inputs = FolderInputs({name: getattr(folders, name) for name in ("input", "output", "temp")})
        files = FolderFiles([Path(root) for root in settings.models], inputs)
        self._services = {Inputs: inputs, Files: files, **self._computing.services}
        self._engine = self._start_engine()
        self._encoder = ThreadPoolExecutor(ENCODERS, "encoder")
        self._control = ThreadPoolExecutor(1, "control")
        self._execution: Execution | None = None
        self._over = asyncio.Event()
        self._watched = self._leaving = self._freeing = False
        self._signs = 0

    def _start_engine(self) -> Engine:
        modules: Iterable[Any] = ()
        if self._settings.builtin_nodes:
            from nodes import catalog_modules

            modules = catalog_modules()
        packs = load_all(
            map(Path, self._settings.packs),
            self._settings.deadly,
            lambda name: self._line.send(messages.Importing(name)),
        )
        catalog = Catalog.collect(modules, packs)
        hosted = {
            name: Hosted(each, self._shelf, self._computing.guard)
            for name, each in catalog.implementations.items()
        }
        cache = Cache(self._settings.cache_bytes, blocks_of)
        return Engine(catalog, hosted, cache, ThreadPoolExecutor(1, "device"))

    async def serve(self) -> None:
        """Serve until the server asks to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._leave)
        catalog = self._engine.catalog
        broken = tuple(api.BrokenPack(each.name, each.reason) for each in catalog.broken)
        published = api.Catalog(tuple(catalog.specs.values()), broken)
        self._line.send(messages.Ready(published, self._computing.device()))
        self._engine.device_thread.submit(self._computing.warm_up)
        threading.Thread(target=self._listen, args=(loop,), name="listener", daemon=True).start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        await self._over.wait()

    def _leave(self) -> None:
        """End when the present run has stopped, at its next opportunity."""
        self._leaving = True
        if self._execution is None:
            self._over.set()
        else:
            self._execution.scope.stop.set()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read what the server says in a thread of its own, so that its end does not go unnoticed."""
        try:
            while (message := self._line.receive()) is not None:
                loop.call_soon_threadsafe(self._hear, message)
        finally:
            os._exit(0)

    def _beat(self) -> None:
        given_back = -1
        while True:
            time.sleep(self._settings.heartbeat_seconds)
            if self._execution is None and given_back != self._signs:
                heap.give_back()
                given_back = self._signs
            device = self._computing.device()
            self._line.send(messages.Heartbeat(self._signs, time.process_time(), self._engine.busy, device))

    def _hear(self, message: messages.ToWorker) -> None:
        execution = self._execution
        match message:
            case messages.Execute():
                self._begin(message)
            case messages.Stop(run) if execution is not None and execution.order.run == run:
                execution.scope.stop.set()
            case messages.Kept(run) if execution is not None and execution.order.run == run:
                execution.kept(message)
            case messages.Prepare(number, text):
                job = self._control.submit(prepared, self._engine, text)
                job.add_done_callback(lambda job: self._line.send(messages.Prepared(number, *job.result())))
            case messages.Watch(watched):
                self._watched = watched
            case messages.Free():
                self._freeing = True
                self._free_if_idle()

    def _begin(self, order: messages.Execute) -> None:
        scope = Scope(
            order.run,
            self._line.send,
            self._folders,
            self._metadata(order.workflow),
            self._shelf,
            self._encoder,
            self._services,
            lambda: self._watched,
            self._sign,
        )
        self._execution = Execution(order, self._engine, scope)
        task = asyncio.get_running_loop().create_task(self._execution.run())
        task.add_done_callback(lambda task: self._end(order, task))

    def _end(self, order: messages.Execute, task: "asyncio.Task[None]") -> None:
        state, problems = outcome(asyncio.CancelledError() if task.cancelled() else task.exception())
        self._execution = None
        self._freeing |= any(problem.code == "out_of_memory" for problem in problems)
        self._line.send(messages.Ended(order.run, order.attempt, state, problems))
        self._free_if_idle()
        if self._leaving:
            self._over.set()

    def _free_if_idle(self) -> None:
        if self._freeing and self._execution is None:
            self._engine.cache.clear()
            self._computing.free()
            self._freeing = False

    def _sign(self) -> None:
        self._signs += 1

    def _metadata(self, workflow: str) -> Mapping[str, str]:
        """The texts to embed in pictures: the document as it ran, and what ran it."""
        device = self._computing.device()
        made = {"version": self._settings.version, "device": device.kind, "precision": device.precision}
        return {
            "workflow": json.dumps(json.loads(workflow), separators=(",", ":")),
            "photogram": json.dumps(made),
        }


def prepared(engine: Engine, text: str) -> tuple[str, tuple[Problem, ...]]:
    """The document with every node at its present version, and what the nodes that check themselves say."""
    workflow = upgrade(document.read(text), engine.catalog)
    found: list[Problem] = []
    try:
        graph = flatten(workflow, engine.catalog.specs)
    except WorkflowError as error:
        return document.write(workflow), (error.problem(),)
    for id, node in graph.nodes.items():
        spec = engine.catalog.specs.get(node.type)
        if spec is not None and spec.has_validator:
            linked = {link.input: None for link in graph.links if link.to_node == id}
            found += checked(engine, id, node.type, {**node.inputs, **linked})
    return document.write(workflow), tuple(found)


def checked(engine: Engine, id: str, type: str, values: Mapping[str, object]) -> Iterable[Problem]:
    """What a node says about its own values."""
    try:
        return [replace(each, node=id) for each in engine.implementations[type].validate(values)]
    except Exception as error:  # noqa: BLE001 - a pack's code
        log.error("node %s cannot check its values", id, exc_info=error)
        return [Problem("node_failed", f"The node cannot check its values: {told(error)}.", node=id)]


def blocks_of(value: object) -> Iterable[tuple[int, int]]:
    """The blocks of memory a value holds, by identity. The storage of tensors counts, shared or not, once."""
    torch = sys.modules.get("torch")
    waiting, seen = [value], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if torch is not None and isinstance(each, torch.Tensor):
            storage = each.untyped_storage()
            yield storage.data_ptr() or id(storage), storage.nbytes()
        else:
            yield id(each), sys.getsizeof(each, 64)
            waiting += _parts(each)


def _parts(value: object) -> Iterable[object]:
    """What a container holds; values with behaviour, such as a model's handle, count as one."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, tuple | list | set | frozenset):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, each.name) for each in fields(value)]
    return ()


def _device(wanted: str) -> str:
    """The device to compute on. Raises NoDevice if it is not there."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, is_there in there.items() if is_there)
    if not there[wanted]:
        known = ", ".join(name for name, is_there in there.items() if is_there)
        built = " This build of torch knows no CUDA." if wanted == "cuda" and not torch.version.cuda else ""
        raise NoDevice(
            f"There is no device {wanted} here.{built} Choose another with --device: auto, {known}."
        )
    return wanted


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _main_memory() -> tuple[int, int]:
    """Bytes of main memory in all, and still to be had; zeros where the system does not say."""
    info = Path("/proc/meminfo")
    lines = info.read_text(encoding="ascii").splitlines() if info.exists() else []
    known = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return known.get("MemTotal", 0), known.get("MemAvailable", 0)


def _take_line() -> Line:
    """Keep the pipes to the server for ourselves; what a node reads or prints does not touch them."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return Line(source, target)


def _end_with_parent() -> None:
    """Have the system end this process with the server, even while a node lets no other thread run."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main() -> None:
    """Run a worker for the server at the other end of stdin and stdout."""
    line = _take_line()
    _end_with_parent()
    # Ctrl-C reaches the whole group; the server decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Computing threads sleep while they wait for each other. By default they spin, which makes a step fifty
    # times slower as soon as another program wants one of the cores. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    heap.keep()
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder tells its mistakes, not its settings
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    settings = line.receive()
    if not isinstance(settings, messages.Settings):
        return
    configure(settings.log_level, settings.log_json)
    if settings.compiled:
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", settings.compiled)
    try:
        worker = Worker(settings, line)
    except (NoDevice, ImportError) as error:
        line.send(messages.Unable(str(error)))
        return
    asyncio.run(worker.serve())
    os._exit(0)


if __name__ == "__main__":
    main()
