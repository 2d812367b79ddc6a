"""Look into pictures and videos that nobody vouches for, in a process with little memory and little time.

`Pictures` is the server's side. Run as `python -m server.pictures DESCRIPTOR`, this is the other side: it is
sent open files over a socket, decodes them and answers. If it dies or hangs, it is replaced.
"""

import asyncio
import io
import json
import os
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from graph.errors import UnreadableWorkflow
from server.files import kind_of

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
MOST_PIXELS = 64_000_000
MOST_FRAMES = 2_000
MOST_TEXT_BYTES = 16_000_000
MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 20
PATIENCE_SECONDS = 30.0

FAULTS = (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, EOFError, struct.error)
"""What Pillow raises on damaged files. Anything else ends the process, which is a refusal just as well."""

Answer: TypeAlias = Mapping[str, Any]


class PictureRefused(Exception):
    """The file is not one this program opens; `message` and `hint` are sentences for the person."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


class Pictures:
    """Asks the limited process, one picture at a time. Starts it when first needed."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._thread = ThreadPoolExecutor(1, "pictures")
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process id, while there is one."""
        return None if self._process is None else self._process.pid

    async def check(self, file: BinaryIO) -> Size:
        """Decode a picture as a whole, or a video's first frame. Raises PictureRefused beyond the limits."""
        answer, _ = await self._ask({"do": "check"}, file)
        return Size(int(answer["width"]), int(answer["height"]))

    async def thumbnail(self, file: BinaryIO, size: int) -> bytes:
        """A WebP that fits a square of `size` pixels, turned as it was held. Raises PictureRefused."""
        _, picture = await self._ask({"do": "thumbnail", "size": size}, file)
        return picture

    async def workflow(self, file: BinaryIO) -> str:
        """The text of the workflow inside a picture or video. Raises PictureRefused if there is none."""
        _, text = await self._ask({"do": "workflow"}, file)
        return text.decode()

    async def close(self) -> None:
        """End the process."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown()

    async def _ask(self, question: Mapping[str, object], file: BinaryIO) -> tuple[Answer, bytes]:
        loop = asyncio.get_running_loop()
        answer, picture = await loop.run_in_executor(self._thread, self._exchange, question, file)
        if "refused" in answer:
            raise PictureRefused(str(answer["refused"]), str(answer.get("hint", "")))
        return answer, picture

    def _exchange(self, question: Mapping[str, object], file: BinaryIO) -> tuple[Answer, bytes]:
        try:
            connection = self._connection()
            connection.settimeout(self._patience)
            socket.send_fds(connection, [json.dumps(question).encode()], [file.fileno()])
            sizes = struct.unpack(">II", _exactly(connection, 8))
            answer: Answer = json.loads(_exactly(connection, sizes[0]))
            return answer, _exactly(connection, sizes[1])
        except (OSError, EOFError):  # TimeoutError is an OSError
            self._end()
            return {"refused": "The picture takes too much memory or time to open."}, b""

    def _connection(self) -> socket.socket:
        if self._socket is None or self._process is None or self._process.poll() is not None:
            self._end()
            mine, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "server.pictures", str(theirs.fileno())],
                    cwd=Path(__file__).resolve().parent.parent,
                    env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            self._socket = mine
        return self._socket

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._socket = self._process = None


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = connection.recv(min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve(connection: socket.socket) -> None:
    """The limited side: answer one question after another until the server goes away."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    while True:
        data, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
        if not descriptors:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))
        with os.fdopen(descriptors[0], "rb") as file:
            answer, picture = respond(json.loads(data), file)
        head = json.dumps(answer).encode()
        connection.sendall(struct.pack(">II", len(head), len(picture)) + head + picture)


def respond(question: Mapping[str, Any], file: BinaryIO) -> tuple[Answer, bytes]:
    """Answer one question about one file."""
    import warnings

    from PIL import Image, ImageOps, PngImagePlugin

    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked below, before anything is decoded
    PngImagePlugin.MAX_TEXT_MEMORY = MOST_TEXT_BYTES
    file.seek(0)
    if question["do"] == "workflow":
        return _workflow(file)
    kind = kind_of(file.read(32))
    file.seek(0)
    try:
        if kind.startswith("video/"):
            return _video(question, file, kind)
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                return {
                    "refused": f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels."
                }, b""
            if question["do"] == "check":
                if getattr(image, "n_frames", 1) > MOST_FRAMES:
                    return {"refused": f"The picture has more than {MOST_FRAMES} frames."}, b""
                image.load()
                return {"width": image.width, "height": image.height}, b""
            image.draft("RGB", (question["size"] * 2, question["size"] * 2))
            return _small(ImageOps.exif_transpose(image), question["size"])
    except MemoryError:
        return {"refused": "The picture takes too much memory to open."}, b""
    except FAULTS:
        return {"refused": "The file is damaged, or not a picture of a kind this program opens."}, b""


def _small(image: "Image", size: int) -> tuple[Answer, bytes]:
    image.thumbnail((size, size))
    small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=85)
    return {"width": small.width, "height": small.height}, buffer.getvalue()


def _video(question: Mapping[str, Any], file: BinaryIO, kind: str) -> tuple[Answer, bytes]:
    from server.videos import Unopened, first_frame

    try:
        frame = first_frame(file, kind, MOST_PIXELS)
    except Unopened as error:
        return {"refused": error.message, "hint": error.hint}, b""
    if question["do"] == "check":
        return {"width": frame.width, "height": frame.height}, b""
    return _small(frame, question["size"])


def _workflow(file: BinaryIO) -> tuple[Answer, bytes]:
    from server.embedded import workflow_in

    try:
        text = workflow_in(file.read())
    except UnreadableWorkflow as error:
        return {"refused": error.message, "hint": error.hint}, b""
    if text is None:
        return {"refused": "The file is damaged, or not a picture of a kind this program opens."}, b""
    return {}, text.encode("utf-8", "replace")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
