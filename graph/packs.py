"""Custom packs: found in folders and among installed distributions, imported, and reported if broken.

A pack is a folder with `__init__.py` or a single `.py` file, imported as `nodes.custom.<name>`; or an
installed distribution with an entry point in the group `photogram.nodes`. `sys.path` is never touched. A pack
that fails to import hurts nobody: it is listed with the reason.
"""

import importlib.metadata
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType

from graph.define import FunctionNode, marked
from graph.node import Implementation

GROUP = "photogram.nodes"
PREFIX = "nodes.custom."


@dataclass(frozen=True, slots=True)
class FoundPack:
    """A pack that has been seen but not imported: its name, and where it lies (None: an installed one).

    `twin` is another one whose name becomes the same identifier, and that comes first.
    """

    name: str
    path: Path | None
    entry: importlib.metadata.EntryPoint | None = None
    twin: Path | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """An imported pack and what it brings."""

    name: str
    implementations: tuple[Implementation, ...]
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class BrokenPack:
    """A pack, or a part of one, that cannot be used, and why: one sentence."""

    name: str
    reason: str


def find(folders: Iterable[Path]) -> tuple[FoundPack, ...]:
    """The packs that lie in the folders, by name; nothing is imported."""
    first: dict[str, Path] = {}
    found: list[FoundPack] = []
    for folder in folders:
        for path in _entries(folder):
            name = identifier(path.stem if path.is_file() else path.name)
            found.append(FoundPack(name, path, twin=first.get(name)))
            first.setdefault(name, path)
    return tuple(found)


def installed() -> tuple[FoundPack, ...]:
    """The packs among installed distributions."""
    points = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name)
    return tuple(FoundPack(identifier(point.name), None, point) for point in points)


def load(found: FoundPack) -> Pack | BrokenPack:
    """Import a pack. What goes wrong in it comes back as the reason, with file and line."""
    if found.twin is not None and found.path is not None:
        return BrokenPack(
            found.path.name,
            f"{found.twin.name} has the same name to Python, {found.name}. Rename one of them.",
        )
    try:
        module = found.entry.load() if found.entry else _imported(found)
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - a pack may do anything while it is imported
        return BrokenPack(found.name, _reason(error, found.path))
    if not isinstance(module, ModuleType):
        return BrokenPack(found.name, "Its entry point names no module.")
    implementations = tuple(_marked(module.__name__))
    if not implementations:
        return BrokenPack(found.name, "It defines no nodes. Mark a function with @node.")
    return Pack(found.name, implementations, found.path)


def load_all(
    folders: Iterable[Path],
    deadly: Mapping[str, str] = MappingProxyType({}),
    announce: Callable[[str], None] = lambda name: None,  # noqa: ARG005
) -> tuple[Pack | BrokenPack, ...]:
    """Every pack of the folders and of the installed distributions.

    `announce` is told the name of each before it is imported. The `deadly` ones, which ended a process
    before, are not imported but listed with their reason.
    """
    packs: list[Pack | BrokenPack] = []
    for found in (*find(folders), *installed()):
        if found.name in deadly:
            packs.append(BrokenPack(found.name, deadly[found.name]))
        else:
            announce(found.name)
            packs.append(load(found))
    return tuple(packs)


def identifier(name: str) -> str:
    """A folder's name as a Python identifier: `my-pack 2` becomes `my_pack_2`."""
    made = "".join(letter if letter.isalnum() else "_" for letter in name)
    return made if made.isidentifier() else f"_{made}"


def _entries(folder: Path) -> list[Path]:
    """The packs of a folder; none of one that is not there or may not be read."""
    try:
        return sorted(path for path in folder.iterdir() if _is_pack(path))
    except OSError:
        return []


def _is_pack(path: Path) -> bool:
    if path.name.startswith((".", "_")) or path.name.endswith(".disabled"):
        return False
    return (path / "__init__.py").is_file() if path.is_dir() else path.suffix == ".py"


def _imported(found: FoundPack) -> ModuleType:
    assert found.path is not None
    name = PREFIX + found.name
    folder = found.path.is_dir()
    source = found.path / "__init__.py" if folder else found.path
    spec = importlib.util.spec_from_file_location(
        name, source, submodule_search_locations=[str(found.path)] if folder else None
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{source.name} cannot be read as a module")
    module = importlib.util.module_from_spec(spec)
    _forget(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        _forget(name)
        raise
    return module


def _forget(name: str) -> None:
    for loaded in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[loaded]


def _marked(package: str) -> Iterator[FunctionNode]:
    """The nodes of a package and of the modules of it that have been imported."""
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            yield from marked(module)


def _reason(error: BaseException, path: Path | None) -> str:
    """One sentence: what happened, and on which line of the pack."""
    if isinstance(error, SyntaxError):
        return f"Its code has a mistake: {error.msg}{_place(error.filename, error.lineno, path)}."
    frames = traceback.extract_tb(error.__traceback__)
    within = [frame for frame in frames if path is not None and Path(frame.filename).is_relative_to(path)]
    where = _place(within[-1].filename, within[-1].lineno, path) if within else ""
    said = str(error).strip().rstrip(".").split("\n")[0]
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return f"It tried to end the program{where}."
    if isinstance(error, ImportError):
        return f"It could not be imported: {said}{where}."
    return f"It failed while it was imported: {type(error).__name__}{f': {said}' if said else ''}{where}."


def _place(file: str | None, line: int | None, path: Path | None) -> str:
    if file is None:
        return ""
    inside = path is not None and Path(file).is_relative_to(path.parent)
    shown = Path(file).relative_to(path.parent) if path is not None and inside else Path(Path(file).name)
    return f" ({shown}, line {line})"
