"""Files that people gave or workflows made: safe names and paths, kinds by their first bytes, lists, writing.

Every name from outside goes through `parts_of`, and every file is opened component by component below its
root without following links: neither a name nor a planted link leads out, not even by changing meanwhile.
"""

import errno
import hashlib
import os
import secrets
import shutil
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST_BYTES = 120
DEEPEST = 8
SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jfif"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
    "image/avif": (".avif",),
    "video/mp4": (".mp4", ".mov", ".m4v"),
    "video/webm": (".webm", ".mkv"),
}
"""How the names of pictures and videos end, by kind."""
OTHER = "application/octet-stream"
DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)
JOINERS = frozenset("\u200c\u200d")
FORBIDDEN = frozenset('<>:"|?*\\/')


class UnsafeName(Exception):
    """A name that is not a plain file name; the message says why."""


class NotThere(Exception):
    """There is no such regular file below the root."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a folder, by its name relative to the root."""

    name: str
    bytes: int
    modified_ns: int


def plain_name(name: str) -> str:
    """One path component in composed form. Raises UnsafeName for all that some system reads otherwise."""
    name = unicodedata.normalize("NFC", name)
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise UnsafeName("The name is not valid Unicode.") from None
    if not name or name.startswith("."):
        raise UnsafeName("A name must not be empty or begin with a dot.")
    if length > LONGEST_BYTES:
        raise UnsafeName(f"A name may have {LONGEST_BYTES} bytes; this one has {length}.")
    if any(_is_forbidden(letter) for letter in name):
        raise UnsafeName('A name must not contain slashes, control characters or any of < > : " | ? *.')
    if name[-1] in ". " or name[0] == " ":
        raise UnsafeName("A name must not begin with a space or end with a dot or a space.")
    if name.split(".")[0].rstrip().lower() in DEVICES:
        raise UnsafeName("That name belongs to a device on some systems.")
    return name


def _is_forbidden(letter: str) -> bool:
    """Whether a letter is a separator, invisible or turns the text around; some scripts need joiners."""
    return letter in FORBIDDEN or (
        unicodedata.category(letter) in ("Cc", "Cf", "Cs") and letter not in JOINERS
    )


def parts_of(name: str) -> tuple[str, ...]:
    """The components of a relative name with `/` between them. Raises UnsafeName."""
    parts = name.split("/")
    if len(parts) > DEEPEST:
        raise UnsafeName(f"A name may lie {DEEPEST} folders deep.")
    return tuple(plain_name(part) for part in parts)


@contextmanager
def opened(root: Path, name: str) -> Iterator[BinaryIO]:
    """The file `name` below `root`, for reading. Raises NotThere for everything that is not a file inside."""
    try:
        parts = parts_of(name)
        descriptor = _descend(root, parts)
    except (UnsafeName, OSError) as error:
        raise NotThere(name) from error
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _descend(root: Path, parts: tuple[str, ...]) -> int:
    """Open a regular file component by component, following no links below the root."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            folder, before = os.open(part, flags, dir_fd=folder), folder
            os.close(before)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(parts[-1], flags, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EISDIR, "Not a regular file.")
    return descriptor


def kind_of(head: bytes) -> str:
    """The media type by the first bytes of a file; `application/octet-stream` for all that is not listed."""
    fixed = (
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"ID3", "audio/mpeg"),
    )
    if known := next((kind for magic, kind in fixed if head.startswith(magic)), None):
        return known
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], OTHER)
    if head[4:8] == b"ftyp":
        return {
            b"avif": "image/avif", b"avis": "image/avif", b"heic": OTHER, b"heix": OTHER, b"mif1": OTHER
        }.get(head[8:12], "video/mp4")  # fmt: skip
    return OTHER


def dimensions(head: bytes) -> tuple[int, int]:
    """Width and height where they stand in the first 32 bytes (PNG, GIF, WebP); zeros otherwise."""
    kind = kind_of(head)
    if kind == "image/png" and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if kind == "image/gif" and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if kind == "image/webp" and len(head) >= 30:
        return _webp_dimensions(head)
    return 0, 0


def _webp_dimensions(head: bytes) -> tuple[int, int]:
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8 ":
        return (
            int.from_bytes(head[26:28], "little") & 0x3FFF,
            int.from_bytes(head[28:30], "little") & 0x3FFF,
        )
    return 0, 0


def with_suffix_of(name: str, kind: str) -> str:
    """The name of a picture or video with a suffix that fits its kind, appended to a wrong one."""
    suffixes = SUFFIXES[kind]
    return name if name.lower().endswith(suffixes) else name + suffixes[0]


def listing(root: Path) -> list[Listed]:
    """Every visible file below a folder, the newest first. Links are left out."""
    found: list[Listed] = []
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            entries = list(os.scandir(root / below))
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False) and below.count("/") < DEEPEST - 1:
                waiting.append(f"{below}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                about = entry.stat(follow_symlinks=False)
                found.append(Listed(below + entry.name, about.st_size, about.st_mtime_ns))
    return sorted(found, key=lambda each: (-each.modified_ns, each.name))


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file so that after a power cut it is the old one or the new one, never half of either."""
    temporary = path.parent / f".{secrets.token_hex(8)}.part"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> float:
    """How much room the disk of a folder has; infinite if the folder does not say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return float("inf")


def place(staged: Path, folder: Path, name: str) -> str:
    """Give a file that is written in full its name, and return it.

    A file of that name and the same content is left as it is; next to other content, the name gets ` (1)`.
    """
    stem, suffix = Path(name).stem, Path(name).suffix
    digest = digest_of(staged)
    for number in range(10_000):
        candidate = f"{stem} ({number}){suffix}" if number else name
        try:
            os.link(staged, folder / candidate)
        except FileExistsError:
            if is_same(folder / candidate, digest):
                return candidate
            continue
        sync_folder(folder)
        return candidate
    raise UnsafeName("There are too many files of that name.")


def is_same(path: Path, digest: str) -> bool:
    """Whether a regular file has that content."""
    return not path.is_symlink() and path.is_file() and digest_of(path) == digest


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
