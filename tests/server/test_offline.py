"""A run without a server: a worker of its own, and pictures where they were asked for."""

import os
from pathlib import Path

import msgspec
import pytest

from server import api
from server.offline import NotWritten, catalog, moved, newest_change
from tests.server.served import CATALOG, config_in


def ended(*names: str) -> api.Run:
    items = tuple(api.ShownItem("image", "output", name) for name in names)
    return api.Run("1", "succeeded", "", 0.0, outputs=(api.RunOutput("save", items),))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "made" / "sub").mkdir(parents=True)
    for name in ("a_00001_.png", "a_00002_.png", "sub/b_00001_.png"):
        (tmp_path / "made" / name).write_text(name)
    return tmp_path / "made"


def test_one_picture_gets_the_name_that_was_asked_for(output: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert moved(ended("a_00001_.png"), output, tmp_path / "new" / "x.png", tmp_path) == [
        tmp_path / "new" / "x.png"
    ]
    assert (tmp_path / "new" / "x.png").read_text() == "a_00001_.png"


def test_further_pictures_are_numbered_on(output: Path, tmp_path: Path) -> None:
    made = moved(ended("a_00001_.png", "a_00002_.png"), output, tmp_path / "x.png", tmp_path)
    assert [path.name for path in made] == ["x.png", "x_2.png"]


def test_into_a_folder_pictures_go_with_their_own_names(output: Path, tmp_path: Path) -> None:
    assert moved(ended("sub/b_00001_.png"), output, tmp_path, tmp_path) == [tmp_path / "b_00001_.png"]


def test_a_picture_that_cannot_go_where_it_was_asked_for_is_kept(output: Path, tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="x.png cannot be written: no such file or directory") as told:
        moved(ended("a_00001_.png", "a_00002_.png"), output, tmp_path / "no" / "x.png", tmp_path / "spare")
    kept = [tmp_path / "spare" / f"a_0000{number}_.png" for number in (1, 2)]
    assert [path.read_text() for path in kept] == ["a_00001_.png", "a_00002_.png"]
    assert told.value.hint == f"What was made is kept as {kept[0]}, {kept[1]}."


async def test_the_kept_catalog_serves_until_a_node_changes(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    kept = config.data / "catalog.json"
    kept.parent.mkdir()
    kept.write_bytes(msgspec.json.encode(CATALOG))
    assert await catalog(config) == CATALOG
    config.custom_nodes.mkdir()
    (config.custom_nodes / "new.py").touch()
    os.utime(config.custom_nodes / "new.py", (kept.stat().st_mtime + 9, kept.stat().st_mtime + 9))
    assert newest_change(config) > kept.stat().st_mtime
