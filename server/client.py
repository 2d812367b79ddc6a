"""A client of the API, sync (`Client`) and async (`AsyncClient`), for scripts and tests. Needs no torch.

with Client("http://127.0.0.1:8188") as photogram:
    run = photogram.submit(photogram.template("text_to_image"), values={"prompt": "a rocket"})
    run = photogram.wait(run.id)
    picture = photogram.file(run.outputs[0].items[0])
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from graph.errors import Problem
from server import api

T = TypeVar("T")
ENDED = ("succeeded", "failed", "cancelled")
LARGEST_BYTES = 64_000_000


class Refused(Exception):
    """The server refused a request; `problems` say why."""

    def __init__(self, status: int, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems) or f"Status {status}.")
        self.status, self.problems = status, tuple(problems)


class AsyncClient:
    """Talks to one server. Use it as `async with AsyncClient(address) as client`."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def system(self) -> api.System:
        """The state of the server and its worker."""
        return await self._get("/v1/system", api.System)

    async def catalog(self) -> api.Catalog:
        """Every node type."""
        return await self._get("/v1/nodes", api.Catalog)

    async def models(self) -> Mapping[str, tuple[str, ...]]:
        """The files of every kind."""
        return (await self._get("/v1/models", api.Folders)).folders

    async def template(self, name: str) -> dict[str, Any]:
        """A workflow that comes with the program."""
        return await self._get(f"/v1/templates/{quote(name, safe='')}", dict[str, Any])

    async def convert(self, data: bytes) -> api.Imported:
        """A file of any known format as our document."""
        return await self._call("POST", "/v1/import", api.Imported, data=data)

    async def submit(
        self,
        workflow: Mapping[str, Any],
        values: Mapping[str, Any] | None = None,
        targets: Sequence[str] | None = None,
        title: str = "",
        front: bool = False,
    ) -> api.Run:
        """Queue a workflow; durable when this returns. Raises Refused with every fault."""
        wanted = {
            "workflow": workflow,
            "values": values or {},
            "targets": targets,
            "title": title,
            "front": front,
        }
        return await self._call("POST", "/v1/runs", api.Run, json=wanted)

    async def run(self, id: str) -> api.Run:
        """One run as it is now."""
        return await self._get(f"/v1/runs/{id}", api.Run)

    async def runs(self, state: api.RunState | None = None, limit: int = 50) -> tuple[api.Run, ...]:
        """The newest runs."""
        query = f"?limit={limit}" + (f"&state={state}" if state else "")
        return (await self._get(f"/v1/runs{query}", api.RunList)).items

    async def cancel(self, id: str) -> api.Run:
        """End a queued run, or stop a running one."""
        return await self._call("POST", f"/v1/runs/{id}/cancel", api.Run)

    async def wait(self, id: str) -> api.Run:
        """The run once it has ended."""
        seq = (await self.system()).seq
        while (run := await self.run(id)).state not in ENDED:
            async for event in self.events(seq):
                seq = event["seq"]
                if event.get("run") == id and event["kind"] == "run_finished" or event["kind"] == "resync":
                    break
        return run

    async def events(self, after: int | None = None) -> AsyncIterator[dict[str, Any]]:
        """Events as they come, until the server closes the connection; previews are left out."""
        address = self._address + "/v1/events" + ("" if after is None else f"?after={after}")
        async with self._open().ws_connect(address, max_msg_size=LARGEST_BYTES) as socket:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    yield json.loads(message.data)

    async def upload(self, name: str, data: bytes) -> api.FileInfo:
        """Send a picture to the input folder."""
        form = aiohttp.FormData()
        form.add_field("file", data, filename=name, content_type="application/octet-stream")
        return await self._call("POST", "/v1/files", api.FileInfo, data=form)

    async def file(self, item: api.ShownItem | api.FileInfo) -> bytes:
        """The content of a file."""
        async with self._open().get(f"{self._address}/v1/files/{item.folder}/{quote(item.name)}") as answer:
            await _check(answer)
            return await answer.read()

    async def _get(self, path: str, kind: type[T]) -> T:
        return await self._call("GET", path, kind)

    async def _call(self, method: str, path: str, kind: type[T], **body: Any) -> T:
        async with self._open().request(method, self._address + path, **body) as answer:
            await _check(answer)
            return msgspec.json.decode(await answer.read(), type=kind)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("Use the client in a with statement.")
        return self._session


async def _check(answer: aiohttp.ClientResponse) -> None:
    """Raises Refused for every answer that is no success."""
    if answer.status < 400:
        return
    try:
        problems = msgspec.json.decode(await answer.read(), type=api.Problems).problems
    except msgspec.MsgspecError:
        problems = ()
    raise Refused(answer.status, problems)


class Client:
    """The same, for code that is not async. Use it as `with Client(address) as client`."""

    def __init__(self, address: str) -> None:
        self._client = AsyncClient(address)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._do(self._client.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._client.__aexit__(kind, error, trace))
        self._runner.close()

    def system(self) -> api.System:
        """The state of the server and its worker."""
        return self._do(self._client.system())

    def catalog(self) -> api.Catalog:
        """Every node type."""
        return self._do(self._client.catalog())

    def models(self) -> Mapping[str, tuple[str, ...]]:
        """The files of every kind."""
        return self._do(self._client.models())

    def template(self, name: str) -> dict[str, Any]:
        """A workflow that comes with the program."""
        return self._do(self._client.template(name))

    def convert(self, data: bytes) -> api.Imported:
        """A file of any known format as our document."""
        return self._do(self._client.convert(data))

    def submit(
        self,
        workflow: Mapping[str, Any],
        values: Mapping[str, Any] | None = None,
        targets: Sequence[str] | None = None,
        title: str = "",
        front: bool = False,
    ) -> api.Run:
        """Queue a workflow; durable when this returns. Raises Refused with every fault."""
        return self._do(self._client.submit(workflow, values, targets, title, front))

    def run(self, id: str) -> api.Run:
        """One run as it is now."""
        return self._do(self._client.run(id))

    def runs(self, state: api.RunState | None = None, limit: int = 50) -> tuple[api.Run, ...]:
        """The newest runs."""
        return self._do(self._client.runs(state, limit))

    def cancel(self, id: str) -> api.Run:
        """End a queued run, or stop a running one."""
        return self._do(self._client.cancel(id))

    def wait(self, id: str) -> api.Run:
        """The run once it has ended."""
        return self._do(self._client.wait(id))

    def upload(self, name: str, data: bytes) -> api.FileInfo:
        """Send a picture to the input folder."""
        return self._do(self._client.upload(name, data))

    def file(self, item: api.ShownItem | api.FileInfo) -> bytes:
        """The content of a file."""
        return self._do(self._client.file(item))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)
