"""Packs in folders: found, imported, or reported as broken."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from graph.packs import BrokenPack, FoundPack, Pack, find, identifier, installed, load, load_all

NODE = """
from graph.define import node

class Image:
    pass

@node()
def glow(image: Image) -> Image:
    return image
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__slash__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_folders_and_single_files_are_packs(tmp_path: Path):
    write(tmp_path, **{"film/__init__.py": NODE, "light.py": NODE, "readme.txt": "", "empty/data.json": ""})
    assert [each.name for each in find([tmp_path])] == ["film", "light"]


def test_disabled_and_hidden_names_are_skipped(tmp_path: Path):
    hidden = ("film.disabled/__init__.py", ".git/__init__.py", "_old/__init__.py", "_x.py", "a.py.disabled")
    assert find([write(tmp_path, **dict.fromkeys(hidden, NODE))]) == ()


def test_a_folder_that_is_not_there_holds_no_packs(tmp_path: Path):
    assert find([tmp_path / "nowhere"]) == ()


def test_a_pack_is_imported_under_its_own_prefix(tmp_path: Path):
    before = list(sys.path)
    [pack] = load_all([write(tmp_path, **{"my-pack 2/__init__.py": NODE})])
    assert isinstance(pack, Pack)
    assert [each.spec.type for each in pack.implementations] == ["my_pack_2.glow"]
    assert pack.implementations[0].spec.inputs[0].type == "my_pack_2.Image"
    assert "nodes.custom.my_pack_2" in sys.modules and sys.path == before


def test_a_pack_may_have_modules_of_its_own(tmp_path: Path):
    write(tmp_path, **{"deep/__init__.py": "from . import light\n", "deep/light.py": NODE})
    [pack] = load_all([tmp_path])
    assert isinstance(pack, Pack) and [each.spec.type for each in pack.implementations] == ["deep.glow"]


def test_a_single_file_is_a_pack(tmp_path: Path):
    [pack] = load_all([write(tmp_path, **{"solo.py": NODE})])
    assert isinstance(pack, Pack) and pack.implementations[0].spec.pack == "solo"


BROKEN = [
    ("def f(:\n", "Its code has a mistake: invalid syntax (bad/__init__.py, line 1)."),
    (
        "\nimport not_there_at_all\n",
        "It could not be imported: No module named 'not_there_at_all' (bad/__init__.py, line 2).",
    ),
    (
        "1 / 0\n",
        "It failed while it was imported: ZeroDivisionError: division by zero (bad/__init__.py, line 1).",
    ),
    ("import sys\nsys.exit(3)\n", "It tried to end the program (bad/__init__.py, line 2)."),
    ("raise KeyboardInterrupt\n", "It tried to end the program (bad/__init__.py, line 1)."),
    ("x = 1\n", "It defines no nodes. Mark a function with @node."),
    (
        NODE.replace("image: Image", "image"),
        "It failed while it was imported: NodeDefinitionError: glow: parameter 'image' has no type. "
        "Annotate it, for example 'image: float' (bad/__init__.py, line 7).",
    ),
]


@pytest.mark.parametrize(("code", "reason"), BROKEN)
def test_a_broken_pack_is_listed_with_file_and_line(tmp_path: Path, code: str, reason: str):
    assert load_all([write(tmp_path, **{"bad/__init__.py": code})]) == (BrokenPack("bad", reason),)


def test_a_broken_pack_hurts_no_other(tmp_path: Path):
    write(tmp_path, **{"bad/__init__.py": "1 / 0", "fine/__init__.py": NODE})
    assert [type(each) for each in load_all([tmp_path])] == [BrokenPack, Pack]


def test_of_two_packs_with_one_name_the_second_is_told(tmp_path: Path):
    write(tmp_path, **{"my-pack/__init__.py": NODE, "my_pack/__init__.py": NODE})
    reason = "my-pack has the same name to Python, my_pack. Rename one of them."
    pack, broken = load_all([tmp_path])
    assert isinstance(pack, Pack) and broken == BrokenPack("my_pack", reason)


def test_nothing_of_a_broken_pack_stays_imported(tmp_path: Path):
    write(tmp_path, **{"half/__init__.py": "from . import light\n1 / 0\n", "half/light.py": NODE})
    load_all([tmp_path])
    assert [name for name in sys.modules if name.startswith("nodes.custom.half")] == []


def test_an_entry_point_is_a_pack():
    found = FoundPack("toys", None, EntryPoint("toys", "tests.graph.test_define", "photogram.nodes"))
    pack = load(found)
    assert isinstance(pack, Pack) and "KSampler" in [each.spec.type for each in pack.implementations]


def test_an_entry_point_to_nothing_is_broken():
    found = FoundPack("toys", None, EntryPoint("toys", "not_there_at_all", "photogram.nodes"))
    assert load(found) == BrokenPack("toys", "It could not be imported: No module named 'not_there_at_all'.")


def test_installed_packs_are_looked_up_without_importing_them():
    assert all(each.path is None for each in installed())


@pytest.mark.parametrize(
    ("name", "made"), [("my-pack", "my_pack"), ("3d tools", "_3d_tools"), ("ok", "ok"), ("", "_")]
)
def test_a_folders_name_becomes_an_identifier(name: str, made: str):
    assert identifier(name) == made


def test_each_pack_is_announced_before_it_is_imported_and_a_deadly_one_is_not_imported(tmp_path: Path):
    write(tmp_path, **{"deadly.py": "1 / 0", "good.py": NODE})
    announced: list[str] = []
    broken, pack = load_all([tmp_path], {"deadly": "It ended the process."}, announced.append)
    assert (broken, announced) == (BrokenPack("deadly", "It ended the process."), ["good"])
    assert isinstance(pack, Pack)
