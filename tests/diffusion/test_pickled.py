"""Pickled files of both of PyTorch's formats, honest, odd and hostile."""

import argparse
import os
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from diffusion.checkpoint import read_header
from diffusion.errors import BrokenFile
from diffusion.pickled import CONVERTER, converted, is_pickled
from tests import tiny

BASE = torch.arange(24.0).reshape(4, 6)
WEIGHTS = {
    "plain": BASE,
    "transposed": BASE.T,
    "part": BASE[1:3, 2:4],
    "half": torch.ones(3).half(),
    "short": torch.nn.Parameter(torch.randn(2, 2).bfloat16()),
    "number": torch.tensor(5),
    "empty": torch.zeros(0, 3),
    "switch": torch.tensor([True, False]),
}
both_formats = pytest.mark.parametrize("is_archive", [True, False], ids=["archive", "stream"])


def saved(path: Path, value: object, is_archive: bool = True) -> Path:
    """A file as PyTorch writes it."""
    torch.save(value, path, _use_new_zipfile_serialization=is_archive)
    return path


def loaded(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a pickled file, by way of its conversion."""
    return load_file(converted(path, path.parent / "converted"))


class Hostile:
    """Would run a program when it is unpickled."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.made = function, arguments

    def __reduce__(self):
        return self.made


@both_formats
def test_tensors_are_those_that_were_pickled(tmp_path, is_archive):
    state = {"state_dict": OrderedDict(WEIGHTS), "global_step": 7, "loss": np.float64(0.5)}
    found = loaded(saved(tmp_path / "a.ckpt", state, is_archive))
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[key], WEIGHTS[key]) for key in WEIGHTS)
    assert all(found[key].dtype == WEIGHTS[key].dtype for key in WEIGHTS)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"params_ema": {"a": BASE}, "params": {"a": BASE}}, {"a"}),
        ({"string_to_param": {"*": BASE}, "name": "cat"}, {"string_to_param.*"}),
        ([BASE, {"b": BASE}], {"0", "1.b"}),
        ({320: ({"a": BASE}, {"a": BASE})}, {"320.0.a", "320.1.a"}),
        ({"a": BASE, "options": argparse.Namespace(rate=1)}, {"a"}),
        ({"state_dict": {}, "a": BASE}, {"a"}),
        (BASE, {"tensor"}),
    ],
)
def test_names_are_those_that_lead_to_a_tensor(tmp_path, value, names):
    assert loaded(saved(tmp_path / "a.pt", value)).keys() == names


def test_what_a_file_says_in_short_is_kept_as_metadata(tmp_path):
    value = {
        "a": BASE,
        "name": "cat",
        "step": 7,
        "norm": True,
        "long": "x" * 300,
        5: "number",
        "sizes": [1, 2],
    }
    header = read_header(converted(saved(tmp_path / "a.pt", value), tmp_path / "converted"))
    assert header.metadata == {"name": "cat", "step": "7", "norm": "true"}


@both_formats
@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        (os.system, ("touch canary",), "posix.system"),
        (eval, ("open('canary', 'w')",), "__builtin__.eval"),
        (getattr, ("", "format"), "__builtin__.getattr"),
        (subprocess.check_output, (["touch", "canary"],), "commands.check_output"),
        (torch.load, ("other.pt",), "torch.serialization.load"),
    ],
)
def test_a_file_that_names_a_program_is_refused_and_runs_nothing(
    tmp_path, monkeypatch, is_archive, function, arguments, said
):
    monkeypatch.chdir(tmp_path)
    value = {"state_dict": {"a": BASE}, "evil": Hostile(function, *arguments)}
    with pytest.raises(BrokenFile, match=f"it asks for {said}"):
        loaded(saved(tmp_path / "a.ckpt", value, is_archive))
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'touch canary'\ntR.",
        b"(S'touch canary'\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch canary\x85R.",
        b"\x80\x04\x8c\x08builtins\x8c\x0edict.__class__\x93.",
        b"\x80\x02cnumpy.testing._private.utils\nrunstring\n.",
        b"\x80\x02\x82\x01.",
    ],
)
def test_no_way_to_spell_a_name_gets_past_the_list(tmp_path, monkeypatch, code):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", code)
    with pytest.raises(BrokenFile, match="it asks for|it is damaged"):
        loaded(path)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"archive/x": b""}, "not an archive of PyTorch"),
        ({"a/data.pkl": b"N.", "b/data.pkl": b"N."}, "not an archive of PyTorch"),
        ({"a/data.pkl": b"N.", "a/byteorder": b"big"}, "back to front"),
        ({"a/data.pkl": b"N."}, "no tensors"),
        ({"a/data.pkl": b""}, "damaged"),
        ({"a/data.pkl": pickle.dumps("x" * 9)[:-3]}, "damaged"),
    ],
)
def test_an_archive_of_something_else_is_told_so(tmp_path, entries, said):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with pytest.raises(BrokenFile, match=said):
        loaded(path)


def test_a_compressed_archive_is_refused(tmp_path):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"N.")
    with pytest.raises(BrokenFile, match="it is compressed"):
        loaded(path)


def test_numbers_that_are_claimed_many_times_over_are_refused(tmp_path):
    wide = torch.zeros(1).expand(10_000, 10_000)
    with pytest.raises(BrokenFile, match="claims to hold more numbers"):
        loaded(saved(tmp_path / "a.pt", {"a": wide}))


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.01, 0.99), st.booleans())
def test_a_file_that_is_cut_off_is_refused_in_a_sentence(tmp_path, part, is_archive):
    path = saved(tmp_path / "a.ckpt", {"a": torch.randn(64, 64)}, is_archive)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(BrokenFile, match="cannot be converted: it"):
        loaded(path)


def test_the_converter_can_open_no_file_and_no_connection():
    code = (
        f"import sys; sys.path.insert(0, {str(CONVERTER.parent)!r}); import socket, unpickling\n"
        "unpickling.limit(1000)\n"
        "for attempt in (lambda: open('/etc/hostname'), socket.socket):\n"
        "    try: attempt(); print('open')\n"
        "    except OSError: print('shut')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["shut", "shut"]


def test_a_file_is_converted_once(tmp_path):
    path = saved(tmp_path / "a.ckpt", WEIGHTS)
    first = converted(path, tmp_path / "converted")
    stamp = first.stat().st_mtime_ns
    path.rename(tmp_path / "b.ckpt")
    again = converted(tmp_path / "b.ckpt", tmp_path / "converted")
    assert (again, again.stat().st_mtime_ns) == (first, stamp)


def test_nothing_is_left_of_a_conversion_that_failed(tmp_path):
    with pytest.raises(BrokenFile):
        loaded(saved(tmp_path / "a.ckpt", {"a": Hostile(os.system, "true")}))
    assert [path.suffix for path in (tmp_path / "converted").iterdir()] == [".digest"]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.ckpt", b"PK\3\4rest", True),
        ("a.PT", b"\x80\2rest", True),
        ("a.safetensors", b"PK\3\4rest", False),
        ("a.bin", b"\x10\0\0\0\0\0\0\0{", False),
        ("a.pth", b"", False),
    ],
)
def test_a_file_is_pickled_if_its_name_and_its_first_bytes_say_so(tmp_path, name, data, expected):
    (tmp_path / name).write_bytes(data)
    assert is_pickled(tmp_path / name) is expected


@both_formats
def test_a_pickled_checkpoint_is_the_same_model(tmp_path, is_archive):
    library = tiny.library(tiny.models(tmp_path))
    library.converted = tmp_path / "converted"
    folder = tmp_path / "checkpoints"
    weights = load_file(folder / tiny.CHECKPOINT)
    path = saved(folder / "old.ckpt", {"state_dict": weights}, is_archive)
    assert library.checkpoint("old.ckpt").model.family.name == "sd15"
    assert all(torch.equal(library.file(path).tensor(key), weights[key]) for key in weights)


def test_a_pickled_embedding_is_found_by_its_name(tmp_path):
    library = tiny.library(tiny.models(tmp_path))
    library.converted = tmp_path / "converted"
    vectors = torch.randn(2, tiny.WIDTH)
    saved(
        tmp_path / "embeddings" / "cat.pt", {"string_to_param": {"*": vectors}, "string_to_token": {"*": 1}}
    )
    assert torch.equal(library.embedding("cat"), vectors)


def test_an_embedding_as_it_was_first_trained_is_found_whatever_its_word(tmp_path):
    library = tiny.library(tiny.models(tmp_path))
    library.converted = tmp_path / "converted"
    vectors = torch.randn(2, tiny.WIDTH)
    trained = torch.nn.ParameterDict({"sks": torch.nn.Parameter(vectors)})
    value = {"string_to_token": {"sks": torch.tensor(265)}, "string_to_param": trained}
    saved(tmp_path / "embeddings" / "cat.pt", value)
    assert torch.equal(library.embedding("cat"), vectors)


def test_a_changed_pickled_file_is_converted_again(tmp_path):
    library = tiny.library(tiny.models(tmp_path))
    library.converted = tmp_path / "converted"
    path = tmp_path / "embeddings" / "cat.pt"
    saved(path, {"a": torch.zeros(1, 8)})
    before = library.embedding("cat")
    saved(path, {"a": torch.ones(3, 8)})
    assert (before.shape, library.embedding("cat").shape) == ((1, 8), (3, 8))


def test_without_a_folder_for_it_nothing_is_converted(tmp_path):
    library = tiny.library(tiny.models(tmp_path))
    saved(tmp_path / "checkpoints" / "old.ckpt", WEIGHTS)
    with pytest.raises(BrokenFile, match="could run any program"):
        library.checkpoint("old.ckpt")


def test_a_fault_is_told_by_the_name_that_the_person_knows(tmp_path):
    library = tiny.library(tiny.models(tmp_path))
    library.converted = tmp_path / "converted"
    saved(tmp_path / "checkpoints" / "old.ckpt", WEIGHTS)
    with pytest.raises(Exception, match="old.ckpt is of no model family"):
        library.checkpoint("old.ckpt")
