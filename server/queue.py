"""The queue of runs: durable once accepted, handed out one at a time, finished at most once."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from graph.errors import Problem
from server import api, assets
from server.database import Connection, Database
from server.hub import Event, Hub

MOST_DEATHS = 3
"""A run under which this many workers died is not tried again."""
MOST_ATTEMPTS = 20
"""Nor is one that was begun this often, whatever ended it."""
ENDED = ("succeeded", "failed", "cancelled")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A run handed to a worker. What is reported under an older attempt no longer counts."""

    run: api.Run
    workflow: str
    targets: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many runs wait and run."""

    queued: int
    running: int


class Queue:
    """Runs in the database. What a method changed is on the disk when it returns, and the hub knows."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database, self._hub = database, hub
        self._added = asyncio.Event()

    async def add(
        self,
        workflow: str,
        title: str = "",
        targets: Sequence[str] | None = None,
        client: str = "",
        front: bool = False,
    ) -> api.Run:
        """Accept a workflow (our document, as text). Raises StorageFailed, and then nothing was accepted."""
        row = {
            "id": secrets.token_hex(16),
            "title": title,
            "client": client,
            "workflow": workflow,
            "targets": None if targets is None else json.dumps(list(targets)),
            "priority": int(front),
            "created": time.time(),
        }
        names = ", ".join(row)
        marks = ", ".join(f":{name}" for name in row)

        def insert(connection: Connection) -> api.Run:
            connection.execute(f"insert into run ({names}) values ({marks})", row)
            return _one(connection, str(row["id"]))

        run = await self._database.write(insert)
        self._added.set()
        await self._tell(api.RunQueued(run.id, run.title))
        return run

    async def get(self, id: str) -> api.Run | None:
        """The run, or None if there is none."""
        return await self._database.read(lambda connection: _find(connection, id))

    async def list(
        self, state: api.RunState | None = None, limit: int = 50, before: str | None = None
    ) -> api.RunList:
        """The newest runs, or those older than the run `before`."""
        return await self._database.read(lambda connection: _page(connection, state, limit, before))

    async def workflow(self, id: str) -> str | None:
        """The document as it was queued."""
        query = "select workflow from run where id = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (id,)).fetchone())
        return None if row is None else str(row[0])

    async def counts(self) -> Counts:
        """How many runs wait and run."""
        return await self._database.read(_counts)

    async def cancel(self, id: str) -> api.Run | None:
        """End a queued run, or note that a running one must stop (`Runner.cancel` does this and stops it)."""

        def cancel(connection: Connection) -> tuple[api.Run | None, bool]:
            ended = _end(connection, "cancelled", "id = ? and state = 'queued'", (id,))
            connection.execute("update run set cancelling = 1 where id = ? and state = 'running'", (id,))
            return _find(connection, id), bool(ended)

        run, ended = await self._database.write(cancel)
        if run is not None and ended:
            await self._tell(_finished(run))
        return run

    async def cancel_queued(self) -> tuple[api.Run, ...]:
        """End every run that waits."""
        runs = await self._database.write(
            lambda connection: _end(connection, "cancelled", "state = 'queued'", ())
        )
        await self._tell(*map(_finished, runs))
        return runs

    async def claim(self, worker: str) -> Claim:
        """Take the next run, waiting for one if there is none."""
        while True:
            self._added.clear()
            claim = await self._database.write(lambda connection: _claim(connection, worker), durable=False)
            if claim is not None:
                await self._tell()
                return claim
            await self._added.wait()

    async def is_cancelling(self, id: str) -> bool:
        """Whether somebody asked a running run to stop."""
        query = "select 1 from run where id = ? and cancelling = 1"
        return (
            await self._database.read(lambda connection: connection.execute(query, (id,)).fetchone())
            is not None
        )

    async def finish(
        self, id: str, attempt: int, state: api.RunState, problems: Sequence[Problem] = ()
    ) -> api.Run | None:
        """End a running run. None, and nothing changed, if that attempt was given up before."""

        def finish(connection: Connection) -> api.Run | None:
            where = "id = ? and state = 'running' and attempt = ?"
            ended = _end(connection, state, where, (id, attempt), problems)
            return ended[0] if ended else None

        run = await self._database.write(finish)
        if run is not None:
            await self._tell(_finished(run))
        return run

    async def give_back(
        self, worker: str, reason: str, *, died: bool, node: str | None = None
    ) -> tuple[api.Run, ...]:
        """Return what a worker that is gone was running to its place in the queue, for a new attempt.

        If a worker died under it for the third time, it fails with the reason, at the `node` that was
        running. A cancelled one is cancelled.
        """

        def give_back(connection: Connection) -> tuple[api.Run, ...]:
            where = "worker = ? and state = 'running'"
            connection.execute(f"update run set deaths = deaths + ? where {where}", (int(died), worker))
            return _requeue(connection, where, (worker,), reason, node)

        runs = await self._database.write(give_back)
        await self._requeued(runs)
        return runs

    async def recover(self) -> tuple[api.Run, ...]:
        """Take back every run that was running when the server ended. To be called once, before any claim."""
        reason = "The server ended while it ran."
        runs = await self._database.write(
            lambda connection: _requeue(connection, "state = 'running'", (), reason)
        )
        await self._requeued(runs)
        return runs

    async def _requeued(self, runs: Sequence[api.Run]) -> None:
        self._added.set()
        await self._tell(*(_finished(run) for run in runs if run.state in ENDED))

    async def _tell(self, *events: Event) -> None:
        for event in events:
            self._hub.publish(event)
        counts = await self.counts()
        self._hub.publish(api.QueueChanged(counts.queued, counts.running))


def _claim(connection: Connection, worker: str) -> Claim | None:
    row = connection.execute(
        "update run set state = 'running', worker = ?, started = ?, attempt = attempt + 1 where number ="
        " (select number from run where state = 'queued' order by priority desc, number limit 1) returning *",
        (worker, time.time()),
    ).fetchone()
    if row is None:
        return None
    targets = None if row["targets"] is None else tuple(json.loads(row["targets"]))
    return Claim(_one(connection, row["id"]), row["workflow"], targets)


def _end(
    connection: Connection,
    state: api.RunState,
    where: str,
    values: tuple[object, ...],
    problems: Sequence[Problem] = (),
) -> tuple[api.Run, ...]:
    told = msgspec.json.encode(problems).decode()
    rows = connection.execute(
        f"update run set state = ?, finished = ?, problems = ? where {where} returning *",
        (state, time.time(), told, *values),
    ).fetchall()
    return _runs(connection, sorted(rows, key=lambda row: int(row["number"])))


def _requeue(
    connection: Connection, where: str, values: tuple[object, ...], reason: str, node: str | None = None
) -> tuple[api.Run, ...]:
    ids = [str(row[0]) for row in connection.execute(f"select id from run where {where}", values)]
    for id in ids:
        row = connection.execute("select cancelling, deaths, attempt from run where id = ?", (id,)).fetchone()
        if row["cancelling"]:
            _end(connection, "cancelled", "id = ?", (id,))
        elif row["deaths"] >= MOST_DEATHS or row["attempt"] >= MOST_ATTEMPTS:
            _end(connection, "failed", "id = ?", (id,), (_poisoned(row["attempt"], reason, node),))
        else:
            connection.execute(
                "update run set state = 'queued', worker = null, started = null where id = ?", (id,)
            )
    return tuple(_one(connection, id) for id in ids)


def _poisoned(attempts: int, reason: str, node: str | None) -> Problem:
    return Problem(
        "worker_died",
        f"This run was begun {attempts} times and never came to an end. {reason}",
        "It is not tried again. Look at the node that ran last, and into the server's log.",
        node,
    )


def _finished(run: api.Run) -> api.RunFinished:
    seconds = 0.0 if run.started is None or run.finished is None else max(0.0, run.finished - run.started)
    return api.RunFinished(run.id, run.state, round(seconds, 3), run.problems)


def _counts(connection: Connection) -> Counts:
    count = "select count(*) from run where state = "
    queued, running = (
        connection.execute(count + f"'{state}'").fetchone()[0] for state in ("queued", "running")
    )
    return Counts(int(queued), int(running))


def _page(connection: Connection, state: api.RunState | None, limit: int, before: str | None) -> api.RunList:
    where, values = ["1"], list[object]()
    if state is not None:
        where.append("state = ?")
        values.append(state)
    if before is not None:
        where.append("number < (select number from run where id = ?)")
        values.append(before)
    query = f"select * from run where {' and '.join(where)} order by number desc limit ?"
    rows = connection.execute(query, (*values, limit + 1)).fetchall()
    runs = _runs(connection, rows[:limit])
    return api.RunList(runs, runs[-1].id if len(rows) > limit else None)


def _find(connection: Connection, id: str) -> api.Run | None:
    rows = connection.execute("select * from run where id = ?", (id,)).fetchall()
    return _runs(connection, rows)[0] if rows else None


def _one(connection: Connection, id: str) -> api.Run:
    run = _find(connection, id)
    assert run is not None
    return run


def _runs(connection: Connection, rows: Sequence[assets.Row]) -> tuple[api.Run, ...]:
    """Rows of `run` as runs, with what they showed and how many wait before them."""
    outputs = assets.outputs(connection, [row["id"] for row in rows])
    places = _places(connection, rows)
    return tuple(
        api.Run(
            id=row["id"],
            state=row["state"],
            title=row["title"],
            created=row["created"],
            started=row["started"],
            finished=row["finished"],
            attempt=row["attempt"],
            position=places.get(row["number"]) if row["state"] == "queued" else None,
            outputs=outputs.get(row["id"], ()),
            problems=msgspec.json.decode(row["problems"], type=tuple[Problem, ...]),
        )
        for row in rows
    )


def _places(connection: Connection, rows: Sequence[assets.Row]) -> dict[int, int]:
    """How many runs are before each that waits: counted for one, listed once for more."""
    waiting = [row for row in rows if row["state"] == "queued"]
    if len(waiting) == 1:
        row = waiting[0]
        before = connection.execute(
            "select count(*) from run where state = 'queued' and (priority > :priority"
            " or (priority = :priority and number < :number))",
            {"priority": row["priority"], "number": row["number"]},
        ).fetchone()[0]
        return {int(row["number"]): int(before)}
    if not waiting:
        return {}
    numbers = connection.execute(
        "select number from run where state = 'queued' order by priority desc, number"
    )
    return {int(row[0]): place for place, row in enumerate(numbers)}
