"""Folders are ready when the program starts."""

from pathlib import Path

from server.places import add_examples, prepare
from tests.server.served import config_in


def test_every_folder_is_made(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    prepare(config)
    assert all(folder.is_dir() for folder in (config.data, config.temp, config.input, config.output))


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
