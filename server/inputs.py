"""The files that nodes read: pictures people gave, and weights by kind. Found by safe names only."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from graph.errors import WorkflowError
from graph.suggest import did_you_mean
from graph.workflow import Json
from server.files import UnsafeName, parts_of
from server.folders import (
    ALIASES,
    APPROXIMATE,
    DIFFUSERS,
    INDEX,
    MODEL_FOLDERS,
    OUTPUT,
    TAESD,
    VAE,
    halves,
)

ANNOTATED = re.compile(r"^(.*?) ?\[(input|output|temp)\]$", re.DOTALL)


class FolderInputs:
    """Inputs from three folders: `name` or `name [input]`, `name [output]`, `name [temp]`."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = dict(folders)
        self._digests: dict[tuple[int, ...], str] = {}

    def path(self, name: str) -> Path:
        """Where the file lies. Raises WorkflowError if it is not there or outside its folder."""
        match = ANNOTATED.match(name)
        plain, folder = (match[1], match[2]) if match else (name, "input")
        path = inside(self._folders[folder], plain)
        if path is None:
            near = did_you_mean(plain, _names(self._folders[folder]))
            raise WorkflowError(
                f"There is no file {plain!r} in the {folder} folder.", near or "Choose another file."
            )
        return path

    def digest(self, name: str) -> str:
        """SHA-256 of the content, in hex; a file that did not change is not read again."""
        path = self.path(name)
        key = tuple(_stamp(path))
        if key not in self._digests:
            with path.open("rb") as file:
                self._digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[key]


class FolderFiles:
    """Files by the kinds that file pickers offer: `checkpoints`, `loras`, `input`, ..."""

    def __init__(self, models: Sequence[Path], inputs: FolderInputs) -> None:
        self._models, self._inputs = tuple(models), inputs

    def stamp(self, folder: str, name: str) -> Json:
        """Tells this file from a changed one without reading it: size, mtime_ns, inode; None if missing."""
        try:
            is_tiny = folder == VAE and name in TAESD
            paths = self._halves(name) if is_tiny else (self.path(folder, name),)
            return [number for path in paths for number in _stamp(path)]
        except (WorkflowError, OSError):
            return None

    def path(self, folder: str, name: str) -> Path:
        """Where the file lies. Raises WorkflowError if it is not there or outside its folder.

        Of a model that is a folder, its index.
        """
        kind = ALIASES.get(folder, folder)
        if kind not in MODEL_FOLDERS:
            is_plain = folder == OUTPUT and not ANNOTATED.match(name)
            return self._inputs.path(f"{name} [{folder}]" if is_plain else name)
        name = f"{name}/{INDEX}" if kind == DIFFUSERS else name
        roots = self._roots(kind)
        for root in roots:
            if (path := inside(root, name, follow=True)) is not None:
                return path
        near = did_you_mean(name, [each for root in roots for each in _names(root)])
        raise WorkflowError(
            f"There is no file {name!r} in the folder {kind}.", near or "Choose another file."
        )

    def _roots(self, kind: str) -> list[Path]:
        return [root / below for root in self._models for below in MODEL_FOLDERS[kind]]

    def _halves(self, name: str) -> list[Path]:
        """The files of a TAESD, as many as there are."""
        stems, roots = halves(name), self._roots(APPROXIMATE)
        return [path for root in roots for stem in stems for path in sorted(root.rglob(f"{stem}.*"))]


def inside(root: Path, name: str, *, follow: bool = False) -> Path | None:
    """The regular file `name` below `root`, or None. With `follow`, links may lead out of it."""
    try:
        path = root.joinpath(*parts_of(name.replace("\\", "/")))
        found = path.resolve(strict=True)
    except (UnsafeName, OSError, ValueError):
        return None
    if not found.is_file() or not (follow or found.is_relative_to(root.resolve())):
        return None
    return path


def _stamp(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, about.st_ino]


def _names(root: Path) -> list[str]:
    try:
        return [path.name for path in root.iterdir()]
    except OSError:
        return []
