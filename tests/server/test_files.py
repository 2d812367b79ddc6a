"""No name and no link leads out of a folder; kinds are told by bytes; files are whole or absent."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.files import (
    OTHER,
    NotThere,
    UnsafeName,
    dimensions,
    kind_of,
    listing,
    opened,
    place,
    plain_name,
    with_suffix_of,
    write_durably,
)
from tests.films import film
from tests.server.served import picture

BAD_NAMES = [
    "", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "a\r\nb", "x" * 300, "CON", "con.png", "lpt1.txt", "a:b",
    "a.", "a ", " a", "a?", "a\u202eb", "\ud800",
]  # fmt: skip
ESCAPES = [
    "../../etc/passwd", "/etc/passwd", "//etc/passwd", "C:\\x", "\\\\host\\share", "file:///x", "....//x",
    "a/../../x", "a//b", "./a", "..%5c..", "\uff0e\uff0e/x",
]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "root" / "sub" / "a.txt").write_text("inside")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_text("outside")
    return tmp_path / "root"


def content(root: Path, name: str) -> bytes:
    with opened(root, name) as file:
        return file.read()


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_some_system_reads_otherwise_is_refused(name: str) -> None:
    with pytest.raises(UnsafeName):
        plain_name(name)


@given(st.text(max_size=80))
def test_a_name_that_is_accepted_is_one_plain_component(name: str) -> None:
    try:
        plain = plain_name(name)
    except UnsafeName:
        return
    assert Path(plain).name == plain == plain_name(plain)


@pytest.mark.parametrize("name", ["a.png", "größe (1).png", "日本語.png", "A B-c_d.JPEG"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert plain_name(name) == name


def test_a_file_inside_is_opened(root: Path) -> None:
    assert content(root, "sub/a.txt") == b"inside"


@pytest.mark.parametrize(
    "name", [*ESCAPES, *BAD_NAMES, "sub", "none.txt", "sub/none.txt", "sub/a.txt/b", "x/" * 20 + "y"]
)
def test_nothing_else_is_opened(root: Path, name: str) -> None:
    with pytest.raises(NotThere):
        content(root, name)


def test_links_are_not_followed(root: Path) -> None:
    (root / "folder").symlink_to(root.parent / "secret")
    (root / "file.txt").symlink_to(root.parent / "secret" / "a.txt")
    for name in ("folder/a.txt", "file.txt"):
        with pytest.raises(NotThere):
            content(root, name)


def test_a_pipe_is_no_file(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(NotThere):
        content(root, "pipe")


def test_a_folder_swapped_for_a_link_meanwhile_never_leads_out(root: Path) -> None:
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (root / "sub").rename(root / "kept")
            (root / "sub").symlink_to(root.parent / "secret")
            (root / "sub").unlink()
            (root / "kept").rename(root / "sub")

    thread = threading.Thread(target=swap)
    thread.start()
    seen = {attempt(root) for _ in range(5_000)}
    stop.set()
    thread.join()
    assert seen <= {b"inside", None}


def attempt(root: Path) -> bytes | None:
    try:
        return content(root, "sub/a.txt")
    except NotThere:
        return None


@pytest.mark.parametrize(
    ("format", "kind"),
    [
        ("PNG", "image/png"),
        ("JPEG", "image/jpeg"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("AVIF", "image/avif"),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(format: str, kind: str) -> None:
    assert kind_of(picture(format)[:32]) == kind


@pytest.mark.parametrize(
    "head", [b"", b"<svg xmlns=", b"<html>", b"%PDF-1.7", b"FWS", b"BM", b"II*\0", b"8BPS", b"SIMPLE"]
)
def test_everything_else_is_just_bytes(head: bytes) -> None:
    assert kind_of(head) == OTHER


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP"])
@given(size=st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_the_size_is_read_from_the_first_bytes(format: str, size: tuple[int, int]) -> None:
    assert dimensions(picture(format, size)[:32]) == size


@given(st.binary(max_size=40))
def test_no_bytes_are_too_strange_to_look_at(head: bytes) -> None:
    assert min(dimensions(head)) >= 0
    assert "/" in kind_of(head)


def test_a_wrong_suffix_is_followed_by_the_right_one() -> None:
    assert with_suffix_of("page.html", "image/png") == "page.html.png"
    assert with_suffix_of("a.JPG", "image/jpeg") == "a.JPG"


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_durably(tmp_path / "a", b"old")
    write_durably(tmp_path / "a", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"new")]


def test_another_content_gets_another_name_and_the_same_keeps_it(tmp_path: Path) -> None:
    def put(text: str) -> str:
        (tmp_path / ".staged").write_text(text)
        name = place(tmp_path / ".staged", tmp_path, "a.png")
        (tmp_path / ".staged").unlink()
        return name

    assert [put("one"), put("one"), put("two"), put("two"), put("one")] == [
        "a.png", "a.png", "a (1).png", "a (1).png", "a.png",
    ]  # fmt: skip


def test_a_list_shows_what_is_visible_newest_first(root: Path) -> None:
    (root / ".hidden").write_text("x")
    (root / "link").symlink_to(root.parent / "secret" / "a.txt")
    (root / "new.txt").write_text("x")
    os.utime(root / "sub" / "a.txt", (1, 1))
    assert [each.name for each in listing(root)] == ["new.txt", "sub/a.txt"]


@pytest.mark.parametrize(
    ("container", "kind"),
    [("mp4", "video/mp4"), ("mov", "video/mp4"), ("webm", "video/webm"), ("matroska", "video/webm")],
)
def test_a_video_is_known_by_its_first_bytes(container: str, kind: str) -> None:
    assert kind_of(film(container)[:32]) == kind
    assert with_suffix_of("a.txt", kind) == f"a.txt.{kind[6:]}"


def test_a_photo_of_a_telephone_is_no_video() -> None:
    assert kind_of(b"\0\0\0\x18ftypheic" + bytes(20)) == OTHER
