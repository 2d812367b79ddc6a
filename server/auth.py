"""Who may talk to this server: its own pages, and programs on this machine. Other web sites may not.

Rebinding is stopped by the Host header, forged requests by Origin and Sec-Fetch-Site. There are no accounts
yet: the server only listens where nobody but this machine reaches it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from multidict import CIMultiDict, CIMultiDictProxy

from server.http import Handler, Refusal, Route, refusal, route_of

LOCAL_NAMES = ("127.0.0.1", "[::1]", "localhost")
SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Names:
    """The names and ports the server is reached by. `extra` holds NAME or NAME:PORT."""

    port: int
    extra: tuple[str, ...] = ()

    def include(self, host: str) -> bool:
        """Whether a Host header, or the part of an Origin after the scheme, names this server."""
        host = host.lower()
        mine = [f"{name}:{self.port}" for name in (*LOCAL_NAMES, *self.extra)]
        bare = [*LOCAL_NAMES, *self.extra] if self.port in (80, 443) else []
        return host in (
            *mine,
            *bare,
            *(name.lower() for name in self.extra if name.rpartition(":")[2].isdigit()),
        )


def judge_host(headers: CIMultiDictProxy[str] | CIMultiDict[str], path: str, names: Names) -> Refusal | None:
    """Refuse a request that was not addressed to this server by one of its names."""
    hosts = headers.getall(hdrs.HOST, [])
    if len(hosts) != 1 or not path.startswith("/"):
        return refusal(400, "bad_request", "A request names its host exactly once.")
    if not names.include(hosts[0]):
        hint = "Open it by one of its own addresses, or name this one with --hosts."
        return refusal(421, "misdirected", "This server does not answer to that name.", hint)
    return None


def judge_origin(
    method: str, headers: Mapping[str, str], route: Route | None, names: Names
) -> Refusal | None:
    """Refuse a request that another web site makes through the person's browser.

    Programs that are no browsers send neither Origin nor Sec-Fetch-Site; on this machine they are trusted.
    """
    origin, site = headers.get(hdrs.ORIGIN), headers.get("Sec-Fetch-Site")
    foreign = refusal(403, "foreign_origin", "Another web site may not use this server.")
    if origin is not None and not _is_own(origin, names):
        return foreign
    if site in (None, "same-origin", "none"):
        return None
    opens_page = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
    if method in SAFE and opens_page and route is not None and route.access == "page":
        return None
    return foreign


def _is_own(origin: str, names: Names) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    exact = f"{parts.scheme}://{parts.netloc}" == origin
    return exact and parts.scheme in ("http", "https") and names.include(parts.netloc)


def guard(extra: tuple[str, ...]) -> Middleware:
    """The middleware that asks both judges. `extra` are further names of this server."""

    @web.middleware
    async def judge(request: web.Request, handler: Handler) -> web.StreamResponse:
        transport = request.transport
        sockname = transport.get_extra_info("sockname") if transport is not None else None
        names = Names(sockname[1] if isinstance(sockname, tuple) else 0, extra)
        refused = judge_host(request.headers, request.raw_path, names) or judge_origin(
            request.method, request.headers, route_of(request), names
        )
        if refused is not None:
            raise refused
        return await handler(request)

    return judge
