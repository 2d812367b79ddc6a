"""Results by key: the least recently used go first, and the bytes they hold are bounded."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graph.workflow import Json

Items: TypeAlias = tuple[object, ...]
"""What travels on one wire: nearly always one value, several where a node gives a list."""
SizeOf: TypeAlias = Callable[[object], Iterable[tuple[int, int]]]
"""The blocks of memory a value holds: pairs of identity and bytes. A shared block is counted once."""

_ENTRY_BYTES = 1_000
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Known:
    """A finished result: for each output its items and their key, and what the node showed."""

    outputs: tuple[Items, ...] = ()
    keys: tuple[str, ...] = ()
    shown: tuple[Mapping[str, Json], ...] = ()


class Cache:
    """Keeps results up to `limit_bytes`. A result may be found under several keys."""

    def __init__(self, limit_bytes: int, size_of: SizeOf) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._size_of = size_of
        self._entries: OrderedDict[str, Known] = OrderedDict()
        self._names: dict[str, list[str]] = {}
        self._main: dict[str, str] = {}
        self._blocks: dict[int, tuple[int, int]] = {}
        self._held: dict[str, tuple[tuple[int, int], ...]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Known | None:
        """The result of that key, which thereby becomes the most recently used; None if it is not kept."""
        main = self._main.get(key)
        if main is None:
            return None
        self._entries.move_to_end(main)
        return self._entries[main]

    def put(self, key: str, known: Known, also: str | None = None) -> None:
        """Keep a result under its key, and under `also`, unless it is beyond the whole limit."""
        if key not in self._entries:
            blocks = tuple(dict(self._blocks_of(known)).items())
            if _ENTRY_BYTES + sum(size for _, size in blocks) > self.limit_bytes:
                return
            if key in self._main:
                self._names[self._main[key]].remove(key)
            self._entries[key], self._held[key] = known, blocks
            self._names[key], self._main[key] = [], key
            self._take(blocks)
        self._entries.move_to_end(key)
        if also is not None and also != key and also not in self._main:
            self._name(key, also)
        while self.used_bytes > self.limit_bytes:
            self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._entries):
            self._drop(key)

    def _name(self, key: str, also: str) -> None:
        names = self._names[key]
        if len(names) >= _MOST_NAMES:
            del self._main[names.pop(0)]
        names.append(also)
        self._main[also] = key

    def _drop(self, key: str) -> None:
        del self._entries[key]
        for name in (key, *self._names.pop(key)):
            del self._main[name]
        self.used_bytes -= _ENTRY_BYTES
        for identity, _ in self._held.pop(key):
            count, size = self._blocks.pop(identity)
            if count > 1:
                self._blocks[identity] = (count - 1, size)
            else:
                self.used_bytes -= size

    def _take(self, blocks: Iterable[tuple[int, int]]) -> None:
        self.used_bytes += _ENTRY_BYTES
        for identity, size in blocks:
            count, held = self._blocks.get(identity, (0, size))
            self._blocks[identity] = (count + 1, held)
            if not count:
                self.used_bytes += size

    def _blocks_of(self, known: Known) -> Iterable[tuple[int, int]]:
        for items in known.outputs:
            for item in items:
                yield from self._size_of(item)
