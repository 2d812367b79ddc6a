"""The application: everything with state is constructed here, and every route is added here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import chain
from pathlib import Path

from aiohttp import web

from server import api, places
from server.assets import Assets
from server.auth import guard
from server.config import PROGRAM, Config, version
from server.database import Database
from server.folders import Folders
from server.http import add_headers, add_routes, bodies, check_declared, refusals
from server.hub import Hub
from server.messages import Settings
from server.parts import PARTS, Parts
from server.pictures import Pictures
from server.queue import Queue
from server.routes import editor, events, files, models, nodes, runs, system, workflows
from server.runner import LocalRunner
from server.shift import Limits
from server.thumbnails import Thumbnails
from server.workflows import Templates, Workflows

TABLES = (runs, nodes, models, workflows, files, events, system, editor)
WATCH_SECONDS = 2.0


def build(config: Config) -> web.Application:
    """An application that is ready to be served. Nothing is opened or started before that."""
    return application(parts_of(config))


def parts_of(config: Config) -> Parts:
    """Everything that has state, constructed."""
    database = Database(config.data / "photogram.sqlite")
    hub = Hub(database)
    queue = Queue(database, hub)
    pictures = Pictures()
    made = {"output": config.output, "temp": config.temp}
    return Parts(
        config=config,
        database=database,
        hub=hub,
        queue=queue,
        runner=local_runner(config, queue, hub, Assets(database, config.output, config.temp)),
        folders=Folders(config.models, config.input, made),
        workflows=Workflows(config.data / "workflows", config.data / "revisions"),
        templates=Templates(PROGRAM / "workflows"),
        pictures=pictures,
        thumbnails=Thumbnails(config.data / "thumbnails", pictures),
        version=version(),
    )


def application(parts: Parts) -> web.Application:
    """The routes over these parts, and what is opened while they are served."""
    config = parts.config
    app = web.Application(middlewares=[refusals, guard((*config.hosts, config.host)), bodies])
    app[PARTS], app[events.SOCKETS], app[editor.EDITOR] = parts, set(), editor.BUILT
    add_routes(app, chain.from_iterable(table.ROUTES for table in TABLES))
    check_declared(app)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(events.close_all)
    app.cleanup_ctx.extend((storage, working, watching))
    return app


def local_runner(
    config: Config, queue: Queue, hub: Hub, assets: Assets, kept: Path | None = None
) -> LocalRunner:
    """A runner whose worker has these settings.

    kept: where what is made once for all runs lies, if not in the data folder.
    """
    kept = kept or config.data
    settings = Settings(
        models=tuple(map(str, config.models)),
        input=str(config.input),
        output=str(config.output),
        temp=str(config.temp),
        converted=str(kept / "converted"),
        compiled=str(kept / "compiled"),
        packs=(str(config.custom_nodes),),
        device=config.device,
        precision=config.precision,
        threads=config.threads,
        cache_bytes=config.cache_bytes,
        version=version(),
        log_level=config.log_level,
        log_json=config.log_json,
    )
    limits = Limits(run=config.run_timeout_minutes * 60)
    return LocalRunner(queue, hub, assets, settings, config.data / "catalog.json", limits)


async def storage(app: web.Application) -> AsyncIterator[None]:
    """Folders, database and events, for as long as the application is served."""
    parts = app[PARTS]
    await asyncio.to_thread(places.prepare, parts.config)
    await asyncio.to_thread(parts.thumbnails.prune)
    async with parts.database:
        await parts.hub.start()
        yield
        await parts.hub.stop()
    await parts.pictures.close()


async def working(app: web.Application) -> AsyncIterator[None]:
    """The worker; the first requests are answered while it starts."""
    runner = app[PARTS].runner
    await runner.start()
    yield
    await runner.stop()


async def watching(app: web.Application) -> AsyncIterator[None]:
    """Tell pages when files come or go, as long as somebody listens."""
    task = asyncio.create_task(_watch(app[PARTS]))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _watch(parts: Parts) -> None:
    known = None
    while True:
        if parts.hub.listeners:
            now = await asyncio.to_thread(parts.folders.all)
            if known is not None and now != known:
                parts.hub.publish(api.FoldersChanged())
            known = now
        await asyncio.sleep(WATCH_SECONDS)
