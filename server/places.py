"""The folders the program works in: made when missing, cleared of what only lives as long as the program."""

import contextlib
import errno
import logging
import shutil
import tempfile
from pathlib import Path

from server.config import PROGRAM, Config
from server.files import write_durably

EXAMPLES = PROGRAM / "workflows" / "inputs"
LEAST_BYTES = 65_536
"""With less room than this nothing can be started."""
log = logging.getLogger(__name__)


class UnusableFolder(Exception):
    """A folder cannot be made, or nothing can be written there; `hint` says what to do."""

    def __init__(self, what: str, folder: Path, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else (error.strerror or str(error)).lower()
        super().__init__(f"The {what} folder {folder} cannot be used: {reason}.")
        self.hint = "Free some space and start again." if full else f"Choose another with --{what}."


def prepare(config: Config) -> None:
    """Make every folder, empty the temporary one, and drop uploads that were never finished.

    Raises UnusableFolder if nothing can be written to one of them.
    """
    shutil.rmtree(config.temp, ignore_errors=True)
    folders = {"data": config.data, "input": config.input, "output": config.output}
    for what, folder in folders.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if what != "input":
                _try(folder)
        except OSError as error:
            raise UnusableFolder(what, folder, error) from error
    config.temp.mkdir(exist_ok=True)
    for part in config.input.glob(".*.part"):
        with contextlib.suppress(OSError):
            part.unlink()
    add_examples(config.input)


def _try(folder: Path) -> None:
    """Write a little. Raises OSError if that is not possible."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(LEAST_BYTES))
        file.flush()


def add_examples(input: Path, examples: Path = EXAMPLES) -> None:
    """Put the pictures that the templates read into the input folder; those there stay as they are."""
    for example in examples.glob("*.png"):
        target = input / example.name
        if not target.exists():
            try:
                input.mkdir(parents=True, exist_ok=True)
                write_durably(target, example.read_bytes())
            except OSError as error:  # the templates lack a picture, and everything else works
                log.warning("%s could not be written: %s", target, error.strerror)
