import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.assets import Assets, Item, expanded, next_name
from server.database import Database, DiskFull
from server.files import UnsafeName
from server.queue import Queue


def staged(
    folder: Path, name: str, content: bytes = b"picture", prefix: str = "a", temporary: bool = False
) -> Item:
    path = folder / ".staging" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Item({"kind": "image", "width": 64, "height": 32}, str(path), prefix, ".png", temporary)


@pytest.fixture
async def run(queue: Queue) -> str:
    return (await queue.add("{}")).id


async def test_a_staged_file_gets_the_next_free_name(assets: Assets, run: str, tmp_path: Path) -> None:
    shown = await assets.keep(run, "save", [staged(tmp_path, "1"), staged(tmp_path, "2")])
    assert [item["name"] for item in shown] == ["a_00001_.png", "a_00002_.png"]
    assert (tmp_path / "output" / "a_00002_.png").read_bytes() == b"picture"
    assert not list((tmp_path / ".staging").iterdir())


async def test_a_temporary_file_goes_to_the_temporary_folder(
    assets: Assets, run: str, tmp_path: Path
) -> None:
    (shown,) = await assets.keep(run, "preview", [staged(tmp_path, "1", temporary=True)])
    assert (shown["folder"], (tmp_path / "temp" / "a_00001_.png").exists()) == ("temp", True)


async def test_a_run_lists_what_its_nodes_showed(
    assets: Assets, queue: Queue, run: str, tmp_path: Path
) -> None:
    await assets.keep(run, "save", [staged(tmp_path, "1"), Item({"kind": "text", "text": "hello"})])
    found = await queue.get(run)
    assert found is not None
    (output,) = found.outputs
    assert [(item.kind, item.name, item.text) for item in output.items] == [
        ("image", "a_00001_.png", ""),
        ("text", "", "hello"),
    ]


async def test_a_second_attempt_keeps_the_file_of_the_first(assets: Assets, run: str, tmp_path: Path) -> None:
    first = await assets.keep(run, "save", [staged(tmp_path, "1")])
    second = await assets.keep(run, "save", [staged(tmp_path, "2")])
    assert first == second
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["a_00001_.png"]


async def test_a_second_attempt_saves_again_what_is_gone(assets: Assets, run: str, tmp_path: Path) -> None:
    await assets.keep(run, "save", [staged(tmp_path, "1")])
    (tmp_path / "output" / "a_00001_.png").unlink()
    await assets.keep(run, "save", [staged(tmp_path, "2", b"again")])
    assert (tmp_path / "output" / "a_00001_.png").read_bytes() == b"again"


async def test_a_file_of_somebody_else_is_never_overwritten(assets: Assets, run: str, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "a_00007_.png").write_bytes(b"mine")
    (shown,) = await assets.keep(run, "save", [staged(tmp_path, "1")])
    assert shown["name"] == "a_00008_.png"
    assert (tmp_path / "output" / "a_00007_.png").read_bytes() == b"mine"


async def test_many_nodes_that_save_at_once_get_different_names(
    assets: Assets, run: str, tmp_path: Path
) -> None:
    keeps = [assets.keep(run, f"n{n}", [staged(tmp_path, f"{n}", b"%d" % n)]) for n in range(20)]
    names = {shown[0]["name"] for shown in await asyncio.gather(*keeps)}
    assert len(names) == 20


async def test_an_item_shown_again_keeps_its_name(
    assets: Assets, queue: Queue, run: str, tmp_path: Path
) -> None:
    (shown,) = await assets.keep(run, "save", [staged(tmp_path, "1")])
    again = (await queue.add("{}")).id
    assert await assets.keep(again, "save", [Item(shown)]) == (shown,)
    found = await queue.get(again)
    assert found is not None
    assert found.outputs[0].items[0].name == "a_00001_.png"


async def test_a_full_database_keeps_no_file(
    assets: Assets, database: Database, run: str, tmp_path: Path
) -> None:
    await database.write(lambda connection: connection.execute("pragma max_page_count = 1").fetchall())
    item = replace(staged(tmp_path, "1"), shown={"kind": "image", "about": "x" * 1_000_000})
    with pytest.raises(DiskFull):
        await assets.keep(run, "save", [item])
    assert not list((tmp_path / "output").glob("*.png"))


def test_a_prefix_may_name_folders_and_sizes() -> None:
    name = expanded("%year%/portraits/%width%x%height%_%batch_num%", {"width": 64, "height": 32}, 3)
    assert re.fullmatch(r"\d{4}/portraits/64x32_3", name)


def test_backslashes_separate_folders_too() -> None:
    assert expanded("video\\a", {}) == "video/a"


@pytest.mark.parametrize(
    "prefix", ["../a", "/etc/a", "a/../../b", "..\\a", "", "a/", ".hidden", "C:a", "a\0b", "a" * 300, "con"]
)
def test_a_prefix_that_leaves_the_folder_or_names_no_file_is_refused(prefix: str) -> None:
    with pytest.raises(UnsafeName):
        expanded(prefix, {})


def test_a_linked_folder_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "output" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(UnsafeName, match="leads out"):
        next_name(tmp_path / "output", "link/a", ".png")


@given(st.sets(st.integers(1, 99_999)), st.lists(st.text("a_0123456789.", max_size=12), max_size=5))
def test_the_next_number_is_above_all_that_are_there(numbers: set[int], others: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in [f"a_{number:05}_.png" for number in numbers]:
            (Path(folder) / name).touch()
        assert next_name(Path(folder), "a", ".png") == f"a_{max(numbers, default=0) + 1:05}_.png"
        assert not (Path(folder) / next_name(Path(folder), "a", ".png", others)).exists()


async def test_an_interrupted_rename_is_taken_up_again(
    assets: Assets, database: Database, run: str, tmp_path: Path
) -> None:
    (shown,) = await assets.keep(run, "save", [staged(tmp_path, "1")])
    (tmp_path / "output" / "a_00001_.png").write_bytes(b"torn")
    (again,) = await assets.keep(run, "save", [staged(tmp_path, "2", b"picture")])
    assert (tmp_path / "output" / str(again["name"])).read_bytes() == b"picture"
