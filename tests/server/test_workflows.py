"""Nobody's workflow is overwritten unseen, and files of every known format are understood."""

import io
import json
import math
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from graph.document import from_json, to_json
from graph.errors import UnreadableWorkflow
from graph.workflow import Workflow
from server.files import NotThere, UnsafeName
from server.workflows import ABSENT, ChangedElsewhere, Templates, Workflows, understand
from tests.server.served import SPECS, document
from tests.server.test_files import BAD_NAMES, ESCAPES

KNOWN = {spec.type: spec for spec in SPECS}
FLAT = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}


@pytest.fixture
def store(tmp_path: Path) -> Workflows:
    return Workflows(tmp_path / "workflows", tmp_path / "revisions")


def made(width: int) -> Workflow:
    return from_json(document(width=width))


async def test_what_was_saved_is_read_again(store: Workflows) -> None:
    info = await store.write("My work", made(8), ABSENT)
    saved = await store.read("My work")
    assert (from_json(json.loads(saved.text)), saved.revision) == (made(8), info.revision)


async def test_the_same_content_has_the_same_revision(store: Workflows) -> None:
    first = await store.write("a", made(8), ABSENT)
    assert (await store.write("b", made(8), ABSENT)).revision == first.revision
    assert (await store.write("a", made(9), first.revision)).revision != first.revision


async def test_a_write_that_names_an_old_revision_is_refused(store: Workflows) -> None:
    first = await store.write("a", made(1), ABSENT)
    second = await store.write("a", made(2), first.revision)
    with pytest.raises(ChangedElsewhere) as caught:
        await store.write("a", made(3), first.revision)
    assert caught.value.revision == second.revision


async def test_a_new_workflow_does_not_replace_one(store: Workflows) -> None:
    await store.write("a", made(1), ABSENT)
    with pytest.raises(ChangedElsewhere):
        await store.write("a", made(2), ABSENT)


async def test_a_removed_workflow_is_not_brought_back_by_a_late_write(store: Workflows) -> None:
    info = await store.write("a", made(1), ABSENT)
    await store.delete("a", info.revision)
    with pytest.raises(ChangedElsewhere):
        await store.write("a", made(2), info.revision)


async def test_the_last_twenty_revisions_are_kept(store: Workflows, tmp_path: Path) -> None:
    revision = (await store.write("a", made(1), ABSENT)).revision
    for width in range(2, 30):
        revision = (await store.write("a", made(width), revision)).revision
    kept = sorted((tmp_path / "revisions" / "a").iterdir())
    assert [json.loads(path.read_text())["nodes"]["empty"]["inputs"]["width"] for path in kept] == [
        *range(9, 29)
    ]


@pytest.mark.parametrize("name", [*BAD_NAMES, *ESCAPES])
async def test_a_name_cannot_lead_elsewhere(store: Workflows, name: str) -> None:
    with pytest.raises(NotThere):
        await store.read(name)
    with pytest.raises(UnsafeName):
        await store.write(name, made(1), ABSENT)


async def test_a_list_tells_titles_and_descriptions(store: Workflows) -> None:
    titled = document() | {"title": "Two cats", "extra": {"description": "With hats."}}
    await store.write("cats", from_json(titled), ABSENT)
    (info,) = await store.list()
    assert (info.name, info.title, info.description) == ("cats", "Two cats", "With hats.")


async def test_the_templates_of_the_program_are_workflows() -> None:
    templates = Templates(Path(__file__).parents[2] / "workflows")
    names = [info.name for info in await templates.list()]
    assert "text_to_image" in names
    assert [from_json(json.loads((await templates.read(name)).text)) for name in names]


def test_our_own_file_is_understood() -> None:
    imported = understand(json.dumps(document(width=8)).encode(), KNOWN)
    assert (imported.source, imported.workflow) == ("photogram", to_json(made(8)))


def test_the_flat_form_of_the_field_is_understood() -> None:
    imported = understand(json.dumps(FLAT).encode(), KNOWN)
    assert (imported.source, imported.workflow["nodes"]["2"]["inputs"]["images"]) == (
        "api",
        {"link": ["1", "IMAGE"]},
    )


def test_a_picture_with_a_workflow_inside_is_understood() -> None:
    text, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    text.add_text("prompt", json.dumps(FLAT))
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=text)
    assert understand(buffer.getvalue(), KNOWN).source == "api"


def test_what_the_fields_server_writes_for_not_a_number_is_nothing() -> None:
    text, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
    text.add_text("prompt", json.dumps({**FLAT, "9": {**FLAT["1"], "is_changed": [math.nan]}}))
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=text)
    assert "9" in understand(buffer.getvalue(), KNOWN).workflow["nodes"]


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"[]", b"{}", b'{"format": 99}', b"\x89PNG\r\n\x1a\n broken", b"\xff"]
)
def test_anything_else_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(UnreadableWorkflow) as caught:
        understand(data, KNOWN)
    assert caught.value.message[0].isupper() or caught.value.message[0] == "`"


@pytest.mark.parametrize("key", ["__proto__", "constructor", "toString"])
def test_names_that_mean_something_to_a_browser_are_plain_data(key: str) -> None:
    data = {"format": 1, "nodes": {key: {"type": "EmptyImage", "inputs": {key: 1}}}}
    assert understand(json.dumps(data).encode(), KNOWN).workflow["nodes"][key]["inputs"][key] == 1
