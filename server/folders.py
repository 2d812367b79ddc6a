"""The lists behind file pickers: models by kind, pictures, videos and latents of the input folder, results.

Listed anew only when a folder changed. Links in model folders are followed, because people keep weights on
other disks; nothing that comes over HTTP can write there.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin")
INPUT_SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".avif")
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv")
LATENT_SUFFIXES = (".latent",)
INPUT, VIDEOS, LATENTS, OUTPUT = "input", "videos", "latents", "output"
DIFFUSERS, INDEX = "diffusers", "model_index.json"
"""Models that are folders, told by the index in them."""
VAE, APPROXIMATE = "vae", "vae_approx"
TAESD = ("taesd", "taesdxl", "taesd3", "taef1")
"""VAEs that are two files among those for previews, offered under one name where both are there."""
MOST_RESULTS = 1000
MOST_FILES = 100_000
DEEPEST = 12

MODEL_FOLDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "checkpoints": ("checkpoints",),
        "loras": ("loras",),
        "vae": ("vae",),
        "text_encoders": ("text_encoders", "clip"),
        "diffusion_models": ("unet", "diffusion_models"),
        "clip_vision": ("clip_vision",),
        "style_models": ("style_models",),
        "embeddings": ("embeddings",),
        DIFFUSERS: (DIFFUSERS,),
        "vae_approx": ("vae_approx",),
        "controlnet": ("controlnet", "t2i_adapter"),
        "ipadapter": ("ipadapter",),
        "gligen": ("gligen",),
        "upscale_models": ("upscale_models",),
        "latent_upscale_models": ("latent_upscale_models",),
        "hypernetworks": ("hypernetworks",),
        "photomaker": ("photomaker",),
        "model_patches": ("model_patches",),
        "audio_encoders": ("audio_encoders",),
    }
)
"""For each kind, the folders below a models folder that hold it."""
ALIASES: Mapping[str, str] = MappingProxyType({"unet": "diffusion_models", "clip": "text_encoders"})


@dataclass(frozen=True, slots=True)
class _Listing:
    names: tuple[str, ...]
    seen: tuple[tuple[str, int], ...]
    """The folders that were read, with their times of change."""


class Folders:
    """Knows which files there are. Methods read the disk and may block: call them from a thread if many."""

    def __init__(self, models: Sequence[Path], input: Path, made: Mapping[str, Path] | None = None) -> None:
        """`made` are folders of results, which can be named as `picture.png [output]`."""
        self._places = {kind: _below(models, folders) for kind, folders in MODEL_FOLDERS.items()}
        self._places |= dict.fromkeys((INPUT, VIDEOS, LATENTS), (input,))
        self._offered = tuple(self._places)
        self._places |= {kind: (folder,) for kind, folder in (made or {}).items()}
        self._known: dict[str, _Listing] = {}

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of file that is offered."""
        return self._offered

    def files(self, kind: str) -> tuple[str, ...]:
        """The names of one kind, with `/` between folders; empty for an unknown kind."""
        kind = ALIASES.get(kind, kind)
        if kind == VAE:
            stems = {name.rpartition("/")[2].partition(".")[0] for name in self.files(APPROXIMATE)}
            return (*self._listed(kind), *(name for name in TAESD if stems.issuperset(halves(name))))
        return self._listed(kind)

    def _listed(self, kind: str) -> tuple[str, ...]:
        if kind not in self._places:
            return ()
        known = self._known.get(kind)
        if known is None or _changed(known):
            known = _list(self._places[kind], _suffixes(kind))
            if kind == DIFFUSERS:
                inside = (name for name in known.names if "/" in name)
                known = _Listing(tuple(name.rpartition("/")[0] for name in inside), known.seen)
            self._known[kind] = known
        return known.names

    def all(self) -> dict[str, tuple[str, ...]]:
        """The names of every kind that is offered; of results, the last ones by name, and where they are."""
        offered = {kind: self.files(kind) for kind in self._offered}
        results = [name for name in reversed(self.files(OUTPUT)) if "/" not in name]
        return {**offered, OUTPUT: tuple(f"{name} [{OUTPUT}]" for name in results[:MOST_RESULTS])}


def halves(name: str) -> tuple[str, str]:
    """How the two files of a TAESD are called, without what they end in."""
    return f"{name}_encoder", f"{name}_decoder"


def _suffixes(kind: str) -> tuple[str, ...]:
    if kind == DIFFUSERS:
        return (INDEX,)
    if kind in MODEL_FOLDERS:
        return MODEL_SUFFIXES
    return {LATENTS: LATENT_SUFFIXES, VIDEOS: VIDEO_SUFFIXES}.get(kind, INPUT_SUFFIXES)


def _below(models: Sequence[Path], folders: Sequence[str]) -> tuple[Path, ...]:
    return tuple(root / folder for root in models for folder in folders)


def _changed(listing: _Listing) -> bool:
    return any(_changed_ns(folder) != then for folder, then in listing.seen)


def _changed_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116  a tenth of the time of Path.stat, for many folders
    except OSError:
        return -1


def _list(roots: Sequence[Path], suffixes: tuple[str, ...]) -> _Listing:
    names: set[str] = set()
    seen: list[tuple[str, int]] = []
    visited: set[tuple[int, int]] = set()
    waiting = [(str(root), "", 0) for root in reversed(roots)]
    while waiting and len(names) < MOST_FILES:
        folder, below, depth = waiting.pop()
        seen.append((folder, _changed_ns(folder)))
        for entry in _entries(folder, visited):
            if _is(entry.is_dir) and depth < DEEPEST:
                waiting.append((entry.path, f"{below}{entry.name}/", depth + 1))
            elif entry.name.lower().endswith(suffixes) and _is(entry.is_file):
                names.add(below + entry.name)
    return _Listing(tuple(sorted(names, key=lambda name: (name.lower(), name))), tuple(seen))


def _is(kind: Callable[[], bool]) -> bool:
    """What an entry says of itself; a link that leads in a ring, or a disk that fails, is nothing at all."""
    try:
        return kind()
    except OSError:
        return False


def _entries(folder: str, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """The visible entries of a folder; none for one that was visited before, by whatever link."""
    try:
        about = os.stat(folder)  # noqa: PTH116
        if (about.st_dev, about.st_ino) in visited:
            return []
        visited.add((about.st_dev, about.st_ino))
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []
