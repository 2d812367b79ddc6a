"""Events: published once, kept for a while, and sent to whoever listens, however slowly."""

import asyncio
import logging
import struct
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable

import msgspec

from graph.events import Event as NodeEvent
from graph.events import NodeProgress
from server import api
from server.database import Connection, Database, StorageFailed

Event = (
    NodeEvent
    | api.RunQueued
    | api.RunStarted
    | api.RunFinished
    | api.QueueChanged
    | api.WorkerChanged
    | api.CatalogChanged
    | api.FoldersChanged
)
KEPT = 10_000
BACKLOG_BYTES = 1 << 20
BLOCK = 100_000
"""Numbers are reserved on the disk in blocks of this size, so that they never go back."""
log = logging.getLogger(__name__)


class Subscription:
    """The frames for one listener, in order: iterate over it for text (str) and previews (bytes).

    Progress and previews that were not fetched in time are replaced by newer ones. When more than a megabyte
    waits, the subscription ends with `lagged` set: the listener should come back with the last number it saw.
    """

    def __init__(self, hub: "Hub") -> None:
        self.lagged = False
        self._hub = hub
        self._waiting: OrderedDict[Hashable, str | bytes] = OrderedDict()
        self._bytes = 0
        self._ready = asyncio.Event()
        self._closed = False

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self

    async def __anext__(self) -> str | bytes:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        _, frame = self._waiting.popitem(last=False)
        self._bytes -= len(frame)
        return frame

    def close(self) -> None:
        """Stop listening. What waits is dropped."""
        self._closed = True
        self._waiting.clear()
        self._bytes = 0
        self._ready.set()
        self._hub.forget(self)

    def offer(self, key: Hashable, frame: str | bytes) -> None:
        """Queue a frame in place of an unfetched one with the same key."""
        replaced = self._waiting.pop(key, None)
        self._bytes += len(frame) - (0 if replaced is None else len(replaced))
        self._waiting[key] = frame
        if self._bytes > BACKLOG_BYTES:
            self.lagged = True
            self.close()
        self._ready.set()


class Hub:
    """Numbers events, keeps the last 10,000 and hands them to subscriptions. Lives on one event loop."""

    def __init__(self, database: Database) -> None:
        self.seq = 0
        self._database = database
        self._reserved = 0
        self._floor = 0
        """The newest number that is no longer kept."""
        self._kept: deque[tuple[int, str]] = deque()
        self._subscriptions: set[Subscription] = set()
        self._reserving: asyncio.Task[None] | None = None
        self._before: dict[str, int] = {}
        """For each run in progress the number before its first event."""

    async def start(self) -> None:
        """Go on from the last number ever given out. Must be awaited before anything is published."""
        self.seq = self._floor = await self._database.read(_mark)
        await self._reserve(self.seq + BLOCK)

    async def stop(self) -> None:
        """End every subscription and note the last number, so that the next start goes on right after it."""
        for subscription in tuple(self._subscriptions):
            subscription.close()
        if self._reserving is not None:
            await self._reserving
        await self._reserve_ahead(self.seq)

    @property
    def listeners(self) -> int:
        """How many subscriptions there are."""
        return len(self._subscriptions)

    @property
    def running_from(self) -> int:
        """The number after which come all events of the runs in progress; the last one if none is."""
        return min(self._before.values(), default=self.seq)

    def publish(self, event: Event, run: str | None = None) -> int:
        """Number an event and send it to everybody. Never waits."""
        if isinstance(event, api.RunStarted):
            self._before[event.run] = self.seq
        elif isinstance(event, api.RunFinished):
            self._before.pop(event.run, None)
        self.seq += 1
        head: dict[str, object] = {"seq": self.seq} | ({} if run is None else {"run": run})
        frame = msgspec.json.encode(head | msgspec.to_builtins(event)).decode()
        key: Hashable = self.seq
        if isinstance(event, NodeProgress):
            key = ("progress", run, event.node)
        else:
            self._keep(frame)
        for subscription in tuple(self._subscriptions):
            subscription.offer(key, frame)
        if self._reserved - self.seq < BLOCK // 2 and (self._reserving is None or self._reserving.done()):
            self._reserving = asyncio.ensure_future(self._reserve_ahead(self._reserved + BLOCK))
        return self.seq

    def show(self, about: api.PreviewHeader, picture: bytes) -> None:
        """Send a preview. Previews have no number and are not kept."""
        head = msgspec.json.encode(about)
        frame = struct.pack(">I", len(head)) + head + picture
        for subscription in tuple(self._subscriptions):
            subscription.offer(("preview", about.run), frame)

    def subscribe(self, after: int | None = None) -> Subscription:
        """Listen from now on, or first to everything after that number.

        If those events are no longer kept, the first frame is `{"kind": "resync", "seq": ...}`.
        """
        subscription = Subscription(self)
        self._subscriptions.add(subscription)
        if after is not None and after != self.seq:
            self._replay(subscription, after)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Send nothing more to it."""
        self._subscriptions.discard(subscription)

    def _replay(self, subscription: Subscription, after: int) -> None:
        missed = [(seq, frame) for seq, frame in self._kept if seq > after]
        too_much = sum(len(frame) for _, frame in missed) > BACKLOG_BYTES // 2
        if after < self._floor or after > self.seq or too_much:
            frame = msgspec.json.encode(api.Resync(self.seq)).decode()
            subscription.offer("resync", frame)
            return
        for seq, frame in missed:
            subscription.offer(seq, frame)

    def _keep(self, frame: str) -> None:
        self._kept.append((self.seq, frame))
        if len(self._kept) > KEPT:
            self._floor = self._kept.popleft()[0]

    async def _reserve_ahead(self, number: int) -> None:
        """Reserve, or if the disk does not take it leave it to the next event."""
        try:
            await self._reserve(number)
        except StorageFailed as error:
            log.error("event numbers cannot be reserved: %s", error.message)

    async def _reserve(self, number: int) -> None:
        await self._database.write(lambda connection: _set_mark(connection, number))
        self._reserved = number


def _mark(connection: Connection) -> int:
    row = connection.execute("select value from mark where name = 'seq'").fetchone()
    return 0 if row is None else int(row[0])


def _set_mark(connection: Connection, number: int) -> None:
    connection.execute(
        "insert into mark (name, value) values ('seq', ?) on conflict do update set value = excluded.value",
        (number,),
    )
