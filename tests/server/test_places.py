"""Folders are ready when the program starts."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from server.places import UnusableFolder, add_examples, prepare
from tests.server.served import config_in


def test_every_folder_is_made(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    prepare(config)
    assert all(folder.is_dir() for folder in (config.data, config.temp, config.input, config.output))


@pytest.mark.parametrize("what", ["data", "input", "output"])
def test_a_folder_that_cannot_be_used_is_named_with_its_flag(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").touch()
    config = replace(config_in(tmp_path), **{what: tmp_path / "file"})
    with pytest.raises(
        UnusableFolder, match=f"The {what} folder .*/file cannot be used: file exists"
    ) as told:
        prepare(config)
    assert told.value.hint == f"Choose another with --{what}."


def test_a_full_disk_is_told_as_such() -> None:
    told = UnusableFolder("data", Path("/data"), OSError(errno.ENOSPC, "No space left on device"))
    assert (str(told), told.hint) == (
        "The data folder /data cannot be used: the disk is full.",
        "Free some space and start again.",
    )


def test_what_was_temporary_is_gone_and_what_was_given_stays(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    prepare(config)
    for path in (config.temp / "a.png", config.input / ".0.part", config.input / "mine.png"):
        path.touch()
    prepare(config)
    assert (list(config.temp.iterdir()), (config.input / ".0.part").exists()) == ([], False)
    assert (config.input / "mine.png").exists()


def test_the_pictures_of_the_templates_are_there_and_replace_nothing(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.png").write_text("example")
    (tmp_path / "examples" / "b.png").write_text("example")
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "a.png").write_text("mine")
    add_examples(tmp_path / "input", tmp_path / "examples")
    assert [(tmp_path / "input" / name).read_text() for name in ("a.png", "b.png")] == ["mine", "example"]
