"""Take in a picture or video that somebody sends: written within limits, looked into, given its name."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import BodyPartReader, web

from server import api
from server.files import SUFFIXES, UnsafeName, dimensions, kind_of, place, plain_name, with_suffix_of
from server.http import UPLOAD_BYTES, refusal, too_large
from server.pictures import MOST_PIXELS, PictureRefused, Pictures

CHUNK_BYTES = 1 << 18
FIELD_BYTES = 1_000
FORMATS = "PNG, JPEG, WebP, GIF or AVIF for a picture, MP4, MOV, WebM or MKV for a video"


async def receive(request: web.Request, input: Path, pictures: Pictures) -> api.FileInfo:
    """Keep what is in field `file` of a form in the input folder. After a Refusal nothing is kept."""
    async with _staging(input) as staged:
        name = await _read_form(request, staged)
        if name is None:
            raise refusal(400, "missing_file", "The form has no field called file.")
        try:
            name = plain_name(name)
            with staged.open("rb") as file:
                kind = _checked(file.read(64))
                size = await pictures.check(file)
            name = await asyncio.to_thread(place, staged, input, with_suffix_of(name, kind))
        except UnsafeName as error:
            raise refusal(400, "unsafe_name", str(error), "Rename the file.") from error
        except PictureRefused as error:
            raise refusal(422, "bad_picture", error.message, error.hint or "Try another file.") from error
    about = (input / name).stat()
    return api.FileInfo("input", name, about.st_size, about.st_mtime, size.width, size.height)


@asynccontextmanager
async def _staging(folder: Path) -> AsyncIterator[Path]:
    """A hidden name in the folder, which is gone afterwards."""
    staged = folder / f".{secrets.token_hex(8)}.part"
    try:
        yield staged
    finally:
        staged.unlink(missing_ok=True)


async def _read_form(request: web.Request, staged: Path) -> str | None:
    """Write the file field to the disk; its name, or None if there was none."""
    try:
        form = await request.multipart()
        name = None
        async for part in form:
            if not isinstance(part, BodyPartReader):
                raise refusal(400, "bad_form", "The form holds another form.")
            if part.name == "folder":
                _check_folder(await _short(part))
            elif part.name == "file" and name is None:
                name = part.filename or ""
                await _write(part, staged)
            else:
                raise refusal(
                    400, "bad_form", "A form has one field called file, and at most one called folder."
                )
        return name
    except (ValueError, AssertionError) as error:
        raise refusal(400, "bad_form", "The form cannot be read.") from error


async def _short(part: BodyPartReader) -> bytes:
    """A field that is no file."""
    text = b""
    while chunk := await part.read_chunk(FIELD_BYTES):
        text += chunk
        if len(text) > FIELD_BYTES:
            raise refusal(400, "bad_form", "A field of the form is too long.")
    return text


def _check_folder(text: bytes) -> None:
    if text.strip() != b"input":
        raise refusal(400, "not_an_option", "Files can be sent to the folder called input only.")


async def _write(part: BodyPartReader, staged: Path) -> None:
    with staged.open("wb") as file:
        while chunk := await part.read_chunk(CHUNK_BYTES):
            if file.tell() == 0:
                _checked(chunk[:64])
            if file.tell() + len(chunk) > UPLOAD_BYTES:
                raise too_large(UPLOAD_BYTES)
            await asyncio.to_thread(file.write, chunk)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())


def _checked(head: bytes) -> str:
    """The kind of a file by its first bytes. Refuses what is none, and what says that it is too large."""
    kind = kind_of(head)
    if kind not in SUFFIXES:
        raise refusal(415, "not_a_picture", "The file is neither a picture nor a video.", f"Use {FORMATS}.")
    width, height = dimensions(head)
    if width * height > MOST_PIXELS:
        most = f"{MOST_PIXELS // 1_000_000} million"
        message = f"The picture has {width} x {height} pixels; at most {most} are taken."
        raise refusal(422, "bad_picture", message, "Make it smaller first.")
    return kind
