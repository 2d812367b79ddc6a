"""The folders the program works in: made when missing, cleared of what only lives as long as the program."""

import contextlib
import shutil
from pathlib import Path

from server.config import PROGRAM, Config

EXAMPLES = PROGRAM / "workflows" / "inputs"


def prepare(config: Config) -> None:
    """Make every folder, empty the temporary one, and drop uploads that were never finished."""
    shutil.rmtree(config.temp, ignore_errors=True)
    for folder in (config.data, config.temp, config.input, config.output):
        folder.mkdir(parents=True, exist_ok=True)
    for part in config.input.glob(".*.part"):
        with contextlib.suppress(OSError):
            part.unlink()
    add_examples(config.input)


def add_examples(input: Path, examples: Path = EXAMPLES) -> None:
    """Put the pictures that the templates read into the input folder; those there stay as they are."""
    input.mkdir(parents=True, exist_ok=True)
    for example in examples.glob("*.png"):
        if not (input / example.name).exists():
            shutil.copyfile(example, input / example.name)
