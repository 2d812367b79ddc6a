"""The frame of every request: declared routes, bodies within limits, JSON answers, refusals as Problems."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from aiohttp import hdrs, web

from graph.errors import InvalidWorkflow, Problem, UnreadableWorkflow, WorkflowError
from graph.limits import check_data, parse
from graph.suggest import brief, did_you_mean
from server.api import Problems
from server.database import StorageFailed, translated

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON_BYTES = 1_000_000
WORKFLOW_BYTES = 32_000_000
UPLOAD_BYTES = 200_000_000
DEEPEST = 64
LARGE_BYTES = 200_000
"""Larger bodies are decoded in a thread, so that nobody else waits."""

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'; "
        "img-src 'self' blob: data:",
    }
)


@dataclass(frozen=True, slots=True)
class Body:
    """What a route reads, and how much of it."""

    kind: Literal["none", "json", "bytes", "multipart"]
    limit_bytes: int


NO_BODY = Body("none", 0)
JSON_BODY = Body("json", JSON_BYTES)
WORKFLOW_BODY = Body("json", WORKFLOW_BYTES)
ANY_FILE = Body("bytes", WORKFLOW_BYTES)
UPLOAD = Body("multipart", UPLOAD_BYTES)


@dataclass(frozen=True, slots=True)
class Route:
    """One route, with all the guards and the description need to know.

    `access` is `user` (this server's own pages and programs on this machine) or `page` (may also be opened by
    following a link from another site). `takes` and `gives` are the types of the bodies; `query` names the
    parameters with what they mean; `refuses` are statuses beyond those that come with body and path.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: Handler
    body: Body
    access: Literal["user", "page"] = "user"
    takes: Any = None
    gives: Any = None
    status: int = 200
    mime: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict)
    refuses: tuple[int, ...] = ()


class Refusal(Exception):
    """Answer with this status and these problems."""

    def __init__(self, status: int, *problems: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problems[0].message)
        self.status, self.problems, self.headers = status, problems, headers or {}


def refusal(
    status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
) -> Refusal:
    """A refusal with one problem."""
    return Refusal(status, Problem(code, message, hint), headers=headers)


def absent(what: str) -> Refusal:
    """404 for a thing that is not there, or that must look as if it were not."""
    return refusal(404, "not_found", f"There is no such {what}.")


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A dataclass, or plain data, as a JSON answer."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def problems_answer(
    status: int, problems: Sequence[Problem], headers: Mapping[str, str] | None = None
) -> web.Response:
    """The one shape of every refusal."""
    return answer(Problems(tuple(problems)), status, headers)


async def decode(request: web.Request, kind: type[T]) -> T:
    """The JSON body as `kind`. Refuses what is not JSON, nested too deep, or of another shape."""
    data = await request.read()
    if len(data) > LARGE_BYTES:
        return await asyncio.to_thread(decoded, data, kind)
    return decoded(data, kind)


def decoded(data: bytes, kind: type[T]) -> T:
    """JSON text as `kind`. Raises Refusal: 400 if not JSON or too deep, 422 if of another shape."""
    try:
        if depth_exceeds(data, DEEPEST):
            raise refusal(400, "too_deep", f"The JSON is nested deeper than {DEEPEST} levels.")
        plain = parse(data)
        check_data(plain)
        _check_fields(plain, kind)
        return msgspec.convert(plain, type=kind)
    except UnreadableWorkflow as error:
        raise refusal(400, "not_json", error.message.replace("The file", "The body"), error.hint) from error
    except msgspec.ValidationError as error:
        raise refusal(422, "wrong_kind", f"The body has another shape: {error}.") from error


def _check_fields(plain: object, kind: type) -> None:
    """Refuse a field that `kind` does not have: most likely misspelt, it would silently not be done."""
    if not is_dataclass(kind) or not isinstance(plain, dict):
        return
    known = [each.name for each in fields(kind)]
    for name in plain:
        if name not in known:
            hint = did_you_mean(name, known) or f"Its fields are {', '.join(known)}."
            raise refusal(422, "unknown_field", f"A body of this kind has no field {brief(name)}.", hint)


def depth_exceeds(data: bytes, limit: int) -> bool:
    """Whether lists and objects are nested deeper than `limit`; brackets in texts do not count."""
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    depth = 0
    for token in re.finditer(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            if depth > limit:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def whole(request: web.Request, name: str, default: int, most: int) -> int:
    """A number from the query, between 1 and `most`."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20) or not 1 <= int(text) <= most:
        raise refusal(400, "wrong_kind", f"{name} takes a whole number from 1 to {most}.")
    return int(text)


def if_none_match(request: web.Request, etag: str) -> bool:
    """Whether the client already has the version with this ETag."""
    return etag in [part.strip() for part in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]


ROUTES: web.AppKey[Mapping[tuple[str, str], Route]] = web.AppKey("ROUTES", Mapping)


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Add the routes, and note their guards for the middlewares."""
    table: dict[tuple[str, str], Route] = {}
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
        table[route.method, canonical(route.path)] = route
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, route.handler)
            table["HEAD", canonical(route.path)] = route
    app[ROUTES] = MappingProxyType(table)


def canonical(path: str) -> str:
    """The path with bare parameter names: `/{name:.+}` is `/{name}`."""
    return re.sub(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", path)


def check_declared(app: web.Application) -> None:
    """Raises RuntimeError if the router knows a route that declares no guards."""
    for known in app.router.routes():
        path = known.resource.canonical if known.resource is not None else ""
        if (known.method, path) not in app[ROUTES]:
            raise RuntimeError(f"The route {known.method} {path} declares no access and no body limit.")


def route_of(request: web.Request) -> Route | None:
    """The declared route of a request; None where nothing matches, which ends in 404 or 405."""
    resource = request.match_info.route.resource
    if resource is None:
        return None
    return request.config_dict[ROUTES].get((request.method, resource.canonical))


@web.middleware
async def bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Hold each request to the kind and size of body its route declares."""
    route = route_of(request)
    if route is None:
        return await handler(request)
    _check_kind(request, route.body)
    if (request.content_length or 0) > route.body.limit_bytes:
        raise too_large(route.body.limit_bytes)
    return await handler(request.clone(client_max_size=route.body.limit_bytes))


def too_large(limit_bytes: int) -> Refusal:
    """413, with the limit."""
    if limit_bytes == 0:
        return refusal(413, "too_large", "This route takes no body.")
    return refusal(413, "too_large", f"The body is larger than {limit_bytes // 1_000_000} MB.")


def _check_kind(request: web.Request, body: Body) -> None:
    expected = {"json": "application/json", "multipart": "multipart/form-data"}.get(body.kind)
    if expected is not None and (
        request.content_type != expected or hdrs.CONTENT_TYPE not in request.headers
    ):
        raise refusal(415, "wrong_content_type", f"This route takes a body of type {expected}.")


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that goes wrong into an answer of one shape, without inner details."""
    try:
        return await handler(request)
    except Refusal as error:
        return problems_answer(error.status, error.problems, error.headers)
    except InvalidWorkflow as error:
        return problems_answer(422, error.problems)
    except WorkflowError as error:
        return problems_answer(422, [error.problem()])
    except StorageFailed as error:
        return _not_stored(error)
    except web.RequestPayloadError:
        message = "The body is not what its headers say, so it cannot be read."
        return problems_answer(400, [Problem("bad_body", message, "Look at Content-Encoding.")])
    except web.HTTPException as error:
        return _of_the_library(error)
    except ConnectionError:  # the client went away in the middle of the answer
        raise
    except OSError as error:
        if isinstance(told := translated(error), StorageFailed):
            return _not_stored(told)
        log.exception("%s %s failed", request.method, request.path)
        return _unexpected()
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return _unexpected()


def _not_stored(error: StorageFailed) -> web.Response:
    return problems_answer(507, [Problem(error.code, error.message, error.hint)])


def _unexpected() -> web.Response:
    message = "Something went wrong inside the server. The server's log says what."
    return problems_answer(500, [Problem("internal", message, "Report it with that part of the log.")])


def _of_the_library(error: web.HTTPException) -> web.Response:
    """What the HTTP library refuses by itself: unknown paths, methods, oversized bodies."""
    allowed: dict[str, str] = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    messages = {
        404: "There is nothing at this address.",
        405: f"This address does not take that method, only {allowed.get('Allow', 'others')}.",
        413: "The body is too large.",
    }
    message = messages.get(error.status, f"{HTTPStatus(error.status).phrase}.")
    code = HTTPStatus(error.status).phrase.lower().replace(" ", "_")
    return problems_answer(error.status, [Problem(code, message)], allowed)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: the security headers, on every answer; a handler may have set a stricter policy."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "Photogram"
