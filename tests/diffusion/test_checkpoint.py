import json
import pickle
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from diffusion.checkpoint import WeightFile, read_header
from diffusion.errors import BrokenFile

ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
TWO = {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}


def written(path: Path, header: object, data: bytes = b"") -> Path:
    """A file with this header, as JSON or as it is, and this data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.safetensors"


def test_the_header_tells_shapes_formats_and_metadata(path):
    save_file({"a": torch.zeros(2, 3).half()}, path, {"who": "me"})
    header = read_header(path)
    assert (header.shape("a"), header.entries["a"].dtype) == ((2, 3), torch.float16)
    assert header.metadata["who"] == "me"


def test_tensors_are_those_that_were_saved(path):
    saved = {"a": torch.randn(3, 5), "b": torch.arange(7), "c": torch.randn(2, 2).bfloat16()}
    save_file(saved, path)
    file = WeightFile(path)
    assert all(torch.equal(file.tensor(key), saved[key]) for key in saved)


def test_tensors_agree_with_the_reference_reader_bit_for_bit(tiny_sd15):
    file, reference = WeightFile(tiny_sd15), load_file(tiny_sd15)
    assert file.header.entries.keys() == reference.keys()
    assert all(torch.equal(file.tensor(key), reference[key]) for key in reference)


def test_tensors_are_views_of_one_mapping(path):
    save_file({"a": torch.zeros(64), "b": torch.zeros(64)}, path)
    file = WeightFile(path)
    content = range(file.content.data_ptr(), file.content.data_ptr() + len(file.content))
    assert file.tensor("a").data_ptr() in content and file.tensor("b").data_ptr() in content


def test_writing_to_a_tensor_does_not_reach_the_file(path):
    save_file({"a": torch.zeros(4)}, path)
    WeightFile(path).tensor("a").fill_(1)
    assert load_file(path)["a"].sum() == 0


def test_a_tensor_at_an_odd_place_is_read_all_the_same(path):
    entries = {
        "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "b": {"dtype": "F32", "shape": [1], "data_offsets": [1, 5]},
    }
    written(path, entries, b"\7" + struct.pack("<f", 2.5))
    assert WeightFile(path).tensor("b").item() == 2.5


def test_weights_can_be_trained_even_if_they_were_read_inside_inference_mode(path):
    save_file({"a": torch.zeros(4)}, path)
    with torch.inference_mode():
        tensor = WeightFile(path).tensor("a")
    assert not tensor.is_inference()


def test_a_replaced_file_is_noticed(path):
    save_file({"a": torch.zeros(4)}, path)
    file = WeightFile(path)
    save_file({"a": torch.zeros(8)}, path)
    assert file.is_stale()


def test_a_file_that_was_opened_is_not_stale(path):
    save_file({"a": torch.zeros(4)}, path)
    assert not WeightFile(path).is_stale()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut off"),
        (b"\7", "cut off"),
        (struct.pack("<Q", 1000) + b"{}", "cut off"),
        (struct.pack("<Q", 2**60) + b"{}", "not a safetensors file"),
        (b"PK\3\4" + bytes(40), "pickled"),
        (pickle.dumps({"a": 1}), "pickled"),
        (b"GGUF" + bytes(40), "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<!DOCTYPE html><html></html>" + bytes(20), "web page"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_its_kind(path, content, words):
    path.write_bytes(content)
    with pytest.raises(BrokenFile, match=words):
        read_header(path)


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (b"not json", 0),
        (b"[1]", 0),
        (b"[" * 50_000, 0),
        (b"\xff\xfe{}", 0),
        ({"a": 1}, 0),
        ({"__metadata__": {"a": 1}}, 0),
        ({"__metadata__": []}, 0),
        ({"a": {**ONE, "shape": [-2]}}, 8),
        ({"a": {**ONE, "shape": [2.0]}}, 8),
        (b'{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 8]}}', 8),
        ({"a": {**ONE, "shape": [True, 2]}}, 8),
        ({"a": {**ONE, "shape": [2**63, 2**63]}}, 8),
        ({"a": {**ONE, "shape": "2"}}, 8),
        ({"a": {**ONE, "data_offsets": [8, 0]}}, 8),
        ({"a": {**ONE, "data_offsets": [0]}}, 8),
        ({"a": {**ONE, "data_offsets": [0, 2**62]}}, 8),
        ({"a": {**ONE, "dtype": "F4"}}, 8),
        ({"a": {**ONE, "dtype": []}}, 8),
        ({"a": ONE}, 4),
        ({"a": ONE}, 12),
        ({"a": ONE, "b": ONE}, 8),
        ({"a": ONE, "b": {**TWO, "data_offsets": [4, 12]}}, 12),
        ({"a": ONE, "b": {**TWO, "data_offsets": [12, 20]}}, 20),
        (b'{"a": %s, "a": %s}' % ((json.dumps(ONE).encode(),) * 2), 8),
    ],
)
def test_a_header_that_lies_is_refused(path, header, size):
    written(path, header, bytes(size))
    with pytest.raises(BrokenFile):
        read_header(path)


@pytest.mark.slow
def test_a_header_of_a_million_tensors_is_refused(path):
    entry = b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    written(path, b"{" + b",".join(entry % number for number in range(1_000_000)) + b"}")
    with pytest.raises(BrokenFile, match="limit"):
        read_header(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_but_never_crash(path, content):
    path.write_bytes(content)
    try:
        assert read_header(path).entries == {}
    except BrokenFile as error:
        assert error.message


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_in_the_header_never_reads_past_the_file(path, place, byte):
    save_file({"a": torch.zeros(4, 4), "b": torch.zeros(3)}, path, {"k": "v"})
    content = bytearray(path.read_bytes())
    content[place % len(content)] = byte
    path.write_bytes(content)
    try:
        file = WeightFile(path)
        assert sum(file.tensor(key).nbytes for key in file.header.entries) <= len(content)
    except BrokenFile as error:
        assert error.message


def test_a_number_in_the_metadata_must_be_one(path):
    save_file({"a": torch.zeros(1)}, path, {"unet.num_heads": "eight"})
    with pytest.raises(BrokenFile, match="eight"):
        read_header(path).number("unet.num_heads", 8)


def test_a_missing_number_takes_the_default(path):
    save_file({"a": torch.zeros(1)}, path)
    assert read_header(path).number("unet.num_heads", 8) == 8
