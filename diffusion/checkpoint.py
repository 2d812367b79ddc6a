"""Files of weights: a safetensors header read with suspicion, tensors mapped from the file without copying.

Only safetensors are read. Pickled files are refused by their first bytes, whatever they are called.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from diffusion.errors import BrokenFile, DiffusionError

DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "F64": torch.float64,
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F8_E4M3": torch.float8_e4m3fn,
        "F8_E5M2": torch.float8_e5m2,
        "I64": torch.int64,
        "I32": torch.int32,
        "I16": torch.int16,
        "I8": torch.int8,
        "U8": torch.uint8,
        "BOOL": torch.bool,
    }
)
MOST_HEADER_BYTES = 100_000_000
MOST_TENSORS = 100_000

DOWNLOAD_AGAIN = "Download the file again."
OTHER_VERSION = "Use another version of this model."
AS_SAFETENSORS = "Use the same model saved as .safetensors."
PICKLED = "is a pickled PyTorch file, which could run any program on this computer when it is opened"
OTHER_FORMATS = (
    (b"PK\x03\x04", PICKLED, AS_SAFETENSORS),
    (b"\x80", PICKLED, AS_SAFETENSORS),
    (b"GGUF", "is a GGUF file, which is not supported here", AS_SAFETENSORS),
    (
        b"version https://git-lfs",
        "is only a Git LFS pointer; the weights themselves were not downloaded",
        "Run git lfs pull where it came from, or download the file itself.",
    ),
    (b"<", "is a web page, not weights; the download went wrong", DOWNLOAD_AGAIN),
)

Kind: TypeAlias = Literal["network", "text", "vae", "upscaler"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one tensor lies: bytes `start` to `end` after the header."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a safetensors file says it holds."""

    name: str
    entries: Mapping[str, Entry]
    metadata: Mapping[str, str] = field(default_factory=dict)
    data_start: int = 0

    def has(self, key: str) -> bool:
        """Whether the file holds a tensor of that name."""
        return key in self.entries

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of a tensor. Raises BrokenFile if it is missing."""
        if key not in self.entries:
            raise BrokenFile(
                f"{self.name} lacks the tensor {key}.", "The file is incomplete; download it again."
            )
        return self.entries[key].shape

    def under(self, prefix: str) -> dict[str, str]:
        """The keys that start with `prefix`, by what follows it."""
        return {key.removeprefix(prefix): key for key in self.entries if key.startswith(prefix)}

    def number(self, name: str, default: int) -> int:
        """A whole number from the metadata, or `default` where there is none.

        Raises BrokenFile if it is not one.
        """
        text = self.metadata.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise BrokenFile(
                f"{self.name} says {name} is {text!r}, which is not a whole number above 0.", OTHER_VERSION
            )
        return int(text)


@dataclass(frozen=True, slots=True)
class Piece:
    """A weight that is not a stored tensor as it is, but one of `of` equal stretches of its rows.

    `transposed`: rows and columns change places.
    """

    index: int = 0
    of: int = 1
    transposed: bool = False

    def shape(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the weight, from that of the stored tensor."""
        cut = (stored[0] // self.of, *stored[1:]) if stored else stored
        return cut[::-1] if self.transposed else cut

    def cut(self, stored: Tensor) -> Tensor:
        """The weight: a view of the stored tensor, or a copy if it is transposed."""
        rows = stored.shape[0] // self.of
        cut = stored[self.index * rows : (self.index + 1) * rows]
        return cut.T.contiguous() if self.transposed else cut


@dataclass(frozen=True, eq=False)
class Part:
    """One network of a file: how to build it without weights, and which tensor is which weight.

    sources: the file's key by the weight's name in the module. prefix: what the file's keys start with.
    surplus: the file's keys under the prefix that have no place in the module.
    pieces: how a weight lies in its tensor, where it is not all of it. rounded: a smaller number format that
    the weights are first brought to, as if they had been stored in it. load: builds it with its weights
    instead, where a library does both at once. lack: why the file has no such network, if it has none.
    """

    title: str
    kind: Kind
    build: Callable[[], nn.Module]
    sources: Mapping[str, str]
    prefix: str = ""
    surplus: tuple[str, ...] = ()
    pieces: Mapping[str, Piece] = field(default_factory=lambda: MappingProxyType({}))
    rounded: torch.dtype | None = None
    load: Callable[["WeightFile"], nn.Module] | None = None
    lack: DiffusionError | None = None

    def shape(self, header: Header, name: str) -> tuple[int, ...]:
        """The shape of a weight as the file has it."""
        stored = header.shape(self.sources[name])
        return self.pieces[name].shape(stored) if name in self.pieces else stored

    def weight(self, file: "WeightFile", name: str) -> Tensor:
        """A weight as the file has it, rounded if it is to be."""
        stored = file.tensor(self.sources[name])
        weight = self.pieces[name].cut(stored) if name in self.pieces else stored
        return weight if self.rounded is None else weight.to(self.rounded).to(weight.dtype)


class WeightFile:
    """An open file of weights.

    Its tensors are views of the file, read from disk when they are first touched. source: where the weights
    are read from instead, if they were converted from another format.
    """

    def __init__(self, path: Path, source: Path | None = None) -> None:
        self.path, self.source = path, source or path
        stat = path.stat()
        self.stamp = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        self.header = read_header(self.source, path.name)

    def is_stale(self) -> bool:
        """Whether the file on disk is no longer the one that was opened."""
        if not self.path.is_file():
            return True
        stat = self.path.stat()
        return self.stamp != (stat.st_size, stat.st_mtime_ns, stat.st_ino)

    @cached_property
    def content(self) -> Tensor:
        """The whole file as bytes, mapped privately: nothing written to a tensor ever reaches the file."""
        with torch.inference_mode(False):
            size = self.source.stat().st_size
            return torch.from_file(str(self.source), shared=False, size=size, dtype=torch.uint8)

    def tensor(self, key: str) -> Tensor:
        """One tensor, not copied unless the file has it at an odd place."""
        self.header.shape(key)
        entry = self.header.entries[key]
        with torch.inference_mode(False):
            first = self.header.data_start + entry.start
            data = self.content[first : self.header.data_start + entry.end]
            if first % entry.dtype.itemsize:
                data = data.clone()
            return data.view(entry.dtype).reshape(entry.shape)


def read_header(path: Path, name: str = "") -> Header:
    """The header of a safetensors file, checked against the file's size.

    name: what the person calls the file, if not by its own name. Raises BrokenFile with the reason.
    """
    name = name or path.name
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(32)
        refuse_other_formats(name, start)
        if size < 8:
            raise truncated(name)
        (length,) = struct.unpack("<Q", start[:8])
        if length > MOST_HEADER_BYTES:
            raise BrokenFile(
                f"{name} is not a safetensors file, or its first bytes are damaged.", DOWNLOAD_AGAIN
            )
        if 8 + length > size:
            raise truncated(name)
        file.seek(8)
        text = file.read(length)
    if (count := text.count(b"data_offsets")) > MOST_TENSORS:
        raise BrokenFile(f"{name} claims to hold {count:,} tensors; {MOST_TENSORS:,} are the limit.")
    items = parsed(name, text)
    metadata = items.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise BrokenFile(f"{name} has a damaged header: its metadata is not text.", DOWNLOAD_AGAIN)
    entries = {key: entry_of(name, key, item) for key, item in items.items()}
    require_gapless(name, entries, size - 8 - length)
    return Header(name, entries, metadata, 8 + length)


def truncated(name: str) -> BrokenFile:
    """The error for a file that ends too early."""
    return BrokenFile(f"{name} is cut off: it ends before the weights it announces.", DOWNLOAD_AGAIN)


def refuse_other_formats(name: str, start: bytes) -> None:
    """Say what a file is that is not safetensors, as far as its first bytes tell."""
    for magic, what, hint in OTHER_FORMATS:
        # A safetensors header of 128 bytes also starts with 0x80; a pickle's second byte is its protocol.
        if start.startswith(magic) and not start[8:9] == b"{":
            raise BrokenFile(f"{name} {what}.", hint)


def parsed(name: str, text: bytes) -> dict[str, Any]:
    """The header's JSON object. Raises BrokenFile if it is none, or names a tensor twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        items = dict(pairs)
        if len(items) != len(pairs):
            raise BrokenFile(f"{name} has a damaged header: it names a tensor twice.", DOWNLOAD_AGAIN)
        return items

    try:
        items = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise BrokenFile(f"{name} has a damaged header.", DOWNLOAD_AGAIN) from error
    if not isinstance(items, dict):
        raise BrokenFile(f"{name} has a damaged header.", DOWNLOAD_AGAIN)
    return items


def is_size(value: object) -> bool:
    """Whether a JSON value can be a length or a place."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def entry_of(name: str, key: str, item: Any) -> Entry:
    """One entry of the header, with its size checked against its shape."""
    damaged = BrokenFile(f"{name} has a damaged header at the tensor {key}.", DOWNLOAD_AGAIN)
    if not isinstance(item, dict):
        raise damaged
    kind, shape, place = item.get("dtype"), item.get("shape"), item.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(place, list) or len(place) != 2:
        raise damaged
    if not all(map(is_size, (*shape, *place))) or not isinstance(kind, str):
        raise damaged
    if kind not in DTYPES:
        raise BrokenFile(f"{name} stores {key} as {kind}, a number format this program does not read.")
    dtype = DTYPES[kind]
    if place[1] - place[0] != math.prod(shape) * dtype.itemsize:
        raise damaged
    return Entry(dtype, tuple(shape), place[0], place[1])


def require_gapless(name: str, entries: Mapping[str, Entry], size: int) -> None:
    """Tensors must fill the file exactly: no hole, no overlap, nothing behind them."""
    at = 0
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.end)):
        if entry.start != at:
            raise BrokenFile(
                f"{name} has a damaged header: its tensors overlap or leave gaps.", DOWNLOAD_AGAIN
            )
        at = entry.end
    if at > size:
        raise truncated(name)
    if at < size:
        raise BrokenFile(f"{name} has {size - at:,} bytes that belong to no tensor.", DOWNLOAD_AGAIN)
