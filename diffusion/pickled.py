"""Pickled weight files, which could run any program when they are opened: converted once, never opened here.

The tensors are read by `unpickling`, a program of its own, and kept as safetensors named by the digest of the
file they came from. Nothing else in this program ever unpickles.
"""

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from subprocess import PIPE

from diffusion.errors import BrokenFile

log = logging.getLogger(__name__)

SUFFIXES = (".ckpt", ".pt", ".pth", ".bin")
CONVERTER = Path(__file__).parent / "unpickling.py"
REFUSED = 3
MOST_GROWTH, COPY_BYTES = 5, 1 << 20
AS_SAFETENSORS = "Use the same model saved as .safetensors."


def is_pickled(path: Path) -> bool:
    """Whether a file calls itself pickled and its first bytes agree."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    with path.open("rb") as file:
        start = file.read(4)
    return start.startswith((b"PK\3\4", b"\x80\2", b"\x80\3", b"\x80\4", b"\x80\5"))


def converted(path: Path, folder: Path) -> Path:
    """The same weights as safetensors in a folder, converted now if they were not before.

    Raises BrokenFile, with what is wrong, if the file is damaged or holds more than weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = digest_of(path, folder)
    target = folder / f"{digest}.safetensors"
    if not target.is_file():
        convert(path, target)
        log.info("converted %s: %d bytes", path.name, target.stat().st_size)
    return target


def digest_of(path: Path, folder: Path) -> str:
    """The SHA-256 of a file's bytes, remembered in the folder for as long as the file stays as it is."""
    stat = path.stat()
    stamp = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}"
    note = folder / f"{hashlib.sha256(stamp.encode()).hexdigest()}.digest"
    if note.is_file():
        return note.read_text()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    note.write_text(digest)
    return digest


def convert(path: Path, target: Path) -> None:
    """Let the converter, a process that has only this file to read and a pipe to write, do its work."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    part = Path(name)
    most = MOST_GROWTH * path.stat().st_size + COPY_BYTES
    try:
        with path.open("rb") as source, os.fdopen(descriptor, "wb") as sink:
            command = [sys.executable, "-I", str(CONVERTER)]
            with subprocess.Popen(command, stdin=source, stdout=PIPE, stderr=PIPE, env={}) as converter:
                assert converter.stdout is not None and converter.stderr is not None
                while sink.tell() < most and (data := converter.stdout.read(COPY_BYTES)):
                    sink.write(data)
                converter.stdout.close()  # whatever it writes beyond the limit ends it
                reason = converter.stderr.read(200).decode(errors="replace")
        if converter.returncode:
            raise refusal(path.name, converter.returncode, reason)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def refusal(name: str, status: int, reason: str) -> BrokenFile:
    """The error for a file that was not converted."""
    if status != REFUSED:
        log.warning("converting %s ended with status %d: %s", name, status, reason)
        reason = "it takes too much memory or time"
    return BrokenFile(f"{name} is a pickled file that cannot be converted: {reason}.", AS_SAFETENSORS)
