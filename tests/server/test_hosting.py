import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from graph.errors import Interrupted, WorkflowError
from graph.services import Inputs, Outputs, Progress
from server import messages
from server.hosting import LONGEST_PAUSE, Folders, Saved, Scope, Shelf, jpeg


@pytest.fixture
def sent() -> list[Any]:
    return []


@pytest.fixture
def scope(tmp_path: Path, sent: list[Any]) -> Iterator[Scope]:
    folders = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    with ThreadPoolExecutor(1) as encoder:
        yield Scope("r", sent.append, folders, {"workflow": "{}"}, Shelf(folders), encoder)


def write(path: Path, metadata: Mapping[str, str]) -> None:
    path.write_text(metadata["workflow"])


def test_progress_is_told_at_once_and_then_thinned_out(scope: Scope, sent: list[Any]) -> None:
    progress = scope.host("a").service(Progress)  # type: ignore[type-abstract]
    for done in range(1, 1001):
        progress(done, 1000)
    assert sent[0].event["done"] == 1
    assert len(sent) < 20


def test_the_last_progress_is_told_when_the_node_ends(scope: Scope, sent: list[Any]) -> None:
    progress = scope.host("a").service(Progress)  # type: ignore[type-abstract]
    progress(1, 2)
    progress(2, 2)
    scope.flush("a")
    assert [message.event["done"] for message in sent] == [1, 2]


def test_a_stopped_run_interrupts_whoever_reports_or_asks(scope: Scope) -> None:
    scope.stop.set()
    with pytest.raises(Interrupted):
        scope.host("a").check()
    with pytest.raises(Interrupted):
        scope.host("a").service(Progress)(1, 2)  # type: ignore[type-abstract]


def test_a_preview_is_not_even_made_while_nobody_looks(scope: Scope) -> None:
    made: list[int] = []
    scope.host("a").service(Progress)(1, 2, lambda: made.append(1))  # type: ignore[type-abstract]
    assert made == []


def test_a_preview_is_sent_while_somebody_looks(scope: Scope, sent: list[Any]) -> None:
    scope.is_watched = lambda: True
    scope.host("a").service(Progress)(1, 2, Image.new("RGB", (64, 64)))  # type: ignore[type-abstract]
    scope.encoder.shutdown()
    assert [message.about.mime for message in sent if isinstance(message, messages.Previewed)] == [
        "image/jpeg"
    ]


def test_a_slow_preview_is_followed_by_a_pause(scope: Scope) -> None:
    scope.is_watched = lambda: True
    progress = scope.host("a").service(Progress)  # type: ignore[type-abstract]
    made: list[float] = []

    def slow() -> None:
        time.sleep(0.05)
        made.append(time.monotonic())

    progress(1, 3, slow)
    time.sleep(0.15)
    progress(2, 3, slow)
    assert len(made) == 1 and 0 < scope.reports["a"].shown - made[0] <= LONGEST_PAUSE


def test_the_last_step_is_always_shown(scope: Scope, sent: list[Any]) -> None:
    scope.is_watched = lambda: True
    progress = scope.host("a").service(Progress)  # type: ignore[type-abstract]
    progress(1, 2, Image.new("RGB", (8, 8)))
    with scope.previewing:
        pass  # the first is sent
    progress(2, 2, Image.new("RGB", (8, 8)))
    scope.encoder.shutdown()
    assert [message.about.done for message in sent if isinstance(message, messages.Previewed)] == [1, 2]


def test_a_preview_is_small(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(Image.new("RGBA", (4000, 2000), "red")))
    with Image.open(tmp_path / "a.jpg") as small:
        assert small.size == (512, 256)


def test_an_unknown_service_is_a_lookup_error(scope: Scope) -> None:
    with pytest.raises(LookupError, match="Inputs"):
        scope.host("a").service(Inputs)  # type: ignore[type-abstract]


def test_a_saved_file_waits_in_the_staging_folder_under_a_mark(scope: Scope) -> None:
    host = scope.host("a")
    host.service(Outputs).save(write, prefix="x", suffix=".txt", shown={"kind": "image"})  # type: ignore[type-abstract]
    saved = scope.shelf.find(host.marks[0])
    assert isinstance(saved, Saved)
    saved.encoded.result()
    assert saved.item.staged is not None
    assert Path(saved.item.staged).read_text() == "{}"


def test_a_text_is_shown_as_it_is(scope: Scope) -> None:
    host = scope.host("a")
    host.service(Outputs).show_text("A cat.")  # type: ignore[type-abstract]
    assert host.marks == [{"kind": "text", "text": "A cat."}]


@pytest.mark.parametrize(("prefix", "suffix"), [("../x", ".txt"), ("x", "/../../y"), ("", ".txt")])
def test_a_name_that_leads_out_is_refused_at_the_node(scope: Scope, prefix: str, suffix: str) -> None:
    with pytest.raises(WorkflowError):
        scope.host("a").save(write, prefix=prefix, suffix=suffix, shown={})


def test_what_never_got_a_name_is_removed_and_made_again(scope: Scope) -> None:
    host = scope.host("a")
    host.save(write, prefix="x", suffix=".txt", shown={})
    saved = scope.shelf.find(host.marks[0])
    assert saved is not None and saved.item.staged is not None
    saved.encoded.result()
    scope.shelf.drop_unnamed()
    assert not Path(saved.item.staged).exists()
    assert (scope.shelf.find(host.marks[0]), scope.shelf.round("a")) == (None, 1)


def test_what_cannot_be_removed_is_forgotten_all_the_same(scope: Scope) -> None:
    host = scope.host("a")
    host.save(write, prefix="x", suffix=".txt", shown={})
    saved = scope.shelf.find(host.marks[0])
    assert saved is not None and saved.item.staged is not None
    saved.encoded.result()
    Path(saved.item.staged).unlink()
    Path(saved.item.staged).mkdir()
    scope.shelf.drop_unnamed()
    assert scope.shelf.find(host.marks[0]) is None
