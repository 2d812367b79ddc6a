"""Send a file from below a root: its kind by its first bytes, whole or in part, never as a live page."""

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from aiohttp import hdrs, web

from server.files import OTHER, NotThere, kind_of, opened
from server.http import absent, if_none_match, refusal

CHUNK_BYTES = 1 << 18
CACHED = "private, no-cache"
FOREVER = "public, max-age=31536000, immutable"
INERT = "default-src 'none'; img-src 'self'; media-src 'self'; sandbox"


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes to send: from `first` up to but without `end`."""

    first: int
    end: int


async def send_file(
    request: web.Request, root: Path, name: str, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """The file `name` below `root`. Raises Refusal 404 if there is none.

    `headers` are for files of our own. Without them it is somebody's file: its kind is told from its first
    bytes, and what is not on the list of kinds is only offered for saving.
    """
    try:
        with opened(root, name) as file:
            return await _send(request, file, headers or _guarded(name, file))
    except NotThere as error:
        raise absent("file") from error


def etag_of(file: BinaryIO) -> str:
    """What tells one content of an open file from another, without reading it."""
    about = os.fstat(file.fileno())
    return f'"{about.st_mtime_ns:x}-{about.st_size:x}-{about.st_ino:x}"'


def span_of(header: str, size: int) -> Span | None:
    """The part that a Range header asks for; None means the whole. Raises Refusal 416 if it lies outside.

    Several ranges at once, and whatever is no range of bytes, are answered with the whole file.
    """
    match = re.fullmatch(r"bytes=([0-9]{0,19})-([0-9]{0,19})", header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        first, end = max(0, size - int(match[2])), size
    else:
        first, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
    if first >= end:
        headers = {"Content-Range": f"bytes */{size}"}
        raise refusal(416, "out_of_range", "The file has no such part.", headers=headers)
    return Span(first, end)


def _guarded(name: str, file: BinaryIO) -> Mapping[str, str]:
    """The headers under which a stranger's file can do no harm."""
    kind = kind_of(file.read(32))
    place = "attachment" if kind == OTHER else "inline"
    policy = "sandbox; default-src 'none'" if kind == OTHER else INERT
    return {
        hdrs.CONTENT_TYPE: kind,
        hdrs.CONTENT_DISPOSITION: f"{place}; filename*=UTF-8''{quote(name.rpartition('/')[2], safe='')}",
        hdrs.CACHE_CONTROL: CACHED,
        "Content-Security-Policy": policy,
    }


async def _send(request: web.Request, file: BinaryIO, headers: Mapping[str, str]) -> web.StreamResponse:
    etag, size = etag_of(file), os.fstat(file.fileno()).st_size
    headers = {**headers, hdrs.ETAG: etag, hdrs.ACCEPT_RANGES: "bytes"}
    if if_none_match(request, etag):
        return web.Response(status=304, headers={name: headers[name] for name in _ALSO_UNCHANGED})
    wanted = request.headers.get(hdrs.RANGE, "")
    fresh = request.headers.get(hdrs.IF_RANGE, etag) == etag
    span = span_of(wanted, size) if wanted and fresh else None
    response = web.StreamResponse(status=206 if span else 200, headers=headers)
    if span:
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {span.first}-{span.end - 1}/{size}"
    span = span or Span(0, size)
    response.content_length = span.end - span.first
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        await _write(response, file, span)
    await response.write_eof()
    return response


_ALSO_UNCHANGED = (hdrs.ETAG, hdrs.CACHE_CONTROL)


async def _write(response: web.StreamResponse, file: BinaryIO, span: Span) -> None:
    file.seek(span.first)
    left = span.end - span.first
    while left:
        part = await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))
        if not part:  # the file was cut short meanwhile; the connection ends before the promised length
            raise ConnectionResetError
        left -= len(part)
        await response.write(part)
