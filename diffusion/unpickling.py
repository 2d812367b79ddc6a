"""A program: read the tensors of a pickled PyTorch file from stdin, write them to stdout as safetensors.

Runs alone in a process of its own that can open no file and no connection, and has little memory and time.
A pickle names functions to call; only those listed here are known, each stands for something harmless, and a
file that names another is refused with status 3 and the name on stderr. It imports nothing of this program.
"""

import codecs
import io
import json
import math
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, NamedTuple

REFUSED = 3
MAGIC = 0x1950A86A20F9469CFC6C
LEAST_MEMORY, MOST_SECONDS = 2 << 30, 600
MOST_GROWTH = 4
"""How many times the file's size its tensors may take: several may share one storage."""
CHUNK_BYTES = 1 << 22
UNITS: Mapping[int, Literal["B", "H", "I", "Q"]] = MappingProxyType({1: "B", 2: "H", 4: "I", 8: "Q"})
LONGEST_FACT, MOST_FACTS = 200, 100
WRAPPERS = ("state_dict", "params_ema", "params", "model_state_dict")
"""Under one of these the weights of a whole training state lie."""
DAMAGED = (
    pickle.UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, TypeError, KeyError, AttributeError,
    IndexError, struct.error, RecursionError,
)  # fmt: skip
"""What reading a damaged file may raise."""


class Refused(Exception):
    """The file is not to be trusted, or not understood; the message says why, without a full stop."""


class Format(NamedTuple):
    """A number format: its name in safetensors, and its size."""

    name: str
    bytes: int


class Storage(NamedTuple):
    """A run of numbers in the file, from its `first` on."""

    format: Format
    key: str
    length: int
    first: int = 0


class Stored(NamedTuple):
    """A tensor: which numbers of a storage it has."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Inert:
    """Stands for whatever is in a file beside its tensors. Takes everything, does nothing."""

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def append(self, _item: object) -> None:
        """Drop what is added."""

    def extend(self, _items: object) -> None:
        """Drop what is added."""


class Parameters(dict[str, object]):
    """A dictionary of tensors that is a module of PyTorch, too."""

    def __setstate__(self, state: dict[str, dict[str, object]]) -> None:
        self.update(state["_parameters"])


def rebuilt(storage: object, offset: object, shape: object, stride: object, *_rest: object) -> Stored:
    """A tensor as PyTorch describes it. Raises Refused if it reaches beyond its storage."""
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(stride, tuple):
        raise Refused("it describes a tensor without numbers")
    numbers = (offset, *shape, *stride)
    if len(shape) != len(stride) or not all(isinstance(each, int) and each >= 0 for each in numbers):
        raise Refused("it describes a tensor of an impossible shape")
    found = Stored(storage, offset, shape, stride)  # type: ignore[arg-type]
    if reach(found) > storage.length:
        raise Refused("it describes a tensor that is larger than its numbers")
    return found


def reach(tensor: Stored) -> int:
    """How many numbers of its storage a tensor needs, from the first on."""
    if 0 in tensor.shape:
        return 0
    steps = ((side - 1) * step for side, step in zip(tensor.shape, tensor.stride, strict=True))
    return tensor.offset + sum(steps) + 1


def bytes_of(tensor: Stored) -> int:
    """How many bytes a tensor takes when its numbers stand in order."""
    return math.prod(tensor.shape) * tensor.storage.format.bytes


def itself(value: object, *_rest: object) -> object:
    """A parameter is its tensor."""
    return value


def retyped(make: object, _type: object, arguments: object, _state: object) -> object:
    """A tensor of a class of its own is a plain tensor."""
    if make is not rebuilt or not isinstance(arguments, tuple):
        raise Refused("it describes a tensor in an unknown way")
    return rebuilt(*arguments)


def nothing(*_args: object) -> None:
    """A number beside the tensors."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "DoubleStorage": Format("F64", 8),
        "FloatStorage": Format("F32", 4),
        "HalfStorage": Format("F16", 2),
        "BFloat16Storage": Format("BF16", 2),
        "LongStorage": Format("I64", 8),
        "IntStorage": Format("I32", 4),
        "ShortStorage": Format("I16", 2),
        "CharStorage": Format("I8", 1),
        "ByteStorage": Format("U8", 1),
        "BoolStorage": Format("BOOL", 1),
    }
)
KNOWN: Mapping[tuple[str, str], object] = MappingProxyType(
    {
        ("collections", "OrderedDict"): OrderedDict,
        **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (dict, set)},
        ("torch._utils", "_rebuild_tensor"): rebuilt,
        ("torch._utils", "_rebuild_tensor_v2"): rebuilt,
        ("torch._utils", "_rebuild_parameter"): itself,
        ("torch._utils", "_rebuild_parameter_with_state"): itself,
        ("torch._tensor", "_rebuild_from_type_v2"): retyped,
        ("torch.nn.parameter", "Parameter"): Inert,
        ("torch.nn.modules.container", "ParameterDict"): Parameters,
        **{(f"numpy.{core}.multiarray", "scalar"): nothing for core in ("core", "_core")},
        **{(f"numpy.{core}.multiarray", "_reconstruct"): Inert for core in ("core", "_core")},
        ("numpy", "ndarray"): Inert,
        ("numpy", "dtype"): Inert,
        ("_codecs", "encode"): nothing,
        ("argparse", "Namespace"): Inert,
        ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"): Inert,
        **{("torch", name): format for name, format in FORMATS.items()},
        **{("torch", name): Inert for name in ("Tensor", "Size", "device", "float16", "float32", "float64")},
        **{("torch", name): Inert for name in ("bfloat16", "int64")},
    }
)
"""Every name a file may say, and what it stands for here."""


class Reader(pickle.Unpickler):
    """Reads a pickle that says only known names, and notes the storages that it speaks of."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="latin1")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for. Raises Refused for any that is not listed."""
        if (module, name) not in KNOWN:
            raise Refused(f"it asks for {module}.{name}, which is not a part of weights")
        return KNOWN[module, name]

    def persistent_load(self, said: object) -> Storage:
        """The storage that a tensor's numbers lie in."""
        if not isinstance(said, tuple) or len(said) < 5 or said[0] != "storage":
            raise Refused("it describes numbers in an unknown way")
        _storage, format, key, _place, count, *view = said
        if not isinstance(format, Format) or not isinstance(key, str) or not is_count(count):
            raise Refused("it describes numbers in an unknown way")
        first, length = 0, count
        if view and view[0] is not None:
            _view_key, first, length = view[0]
            if not (is_count(first) and is_count(length) and first + length <= count):
                raise Refused("it describes numbers in an unknown way")
        self.storages[key] = storage = Storage(format, key, length, first)
        return storage


def is_count(value: object) -> bool:
    """Whether a value can be a number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Content(NamedTuple):
    """What a file holds, and at which byte each storage begins."""

    value: object
    places: Mapping[str, int]


def read(file: BinaryIO, size: int) -> Content:
    """Read either of PyTorch's two formats."""
    start = file.read(4)
    file.seek(0)
    return read_archive(file, size) if start == b"PK\3\4" else read_stream(file)


def read_archive(file: BinaryIO, size: int) -> Content:
    """The format since PyTorch 1.6: a zip archive, nothing in it compressed."""
    with zipfile.ZipFile(file) as archive:
        names = {info.filename: info for info in archive.infolist()}
        mains = [name for name in names if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(mains) != 1:
            raise Refused("it is not an archive of PyTorch")
        if any(info.compress_type != zipfile.ZIP_STORED for info in names.values()):
            raise Refused("it is compressed")
        prefix = mains[0].removesuffix("data.pkl")
        if f"{prefix}byteorder" in names and archive.read(f"{prefix}byteorder") != b"little":
            raise Refused("its numbers are stored back to front")
        value = Reader(io.BytesIO(archive.read(mains[0]))).load()
    places = {}
    for name, info in names.items():
        if name.startswith(f"{prefix}data/"):
            file.seek(info.header_offset + 26)
            name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
            begin = info.header_offset + 30 + name_bytes + extra_bytes
            if begin + info.file_size > size:
                raise Refused("it is cut off")
            places[name.removeprefix(f"{prefix}data/")] = begin
    return Content(value, places)


def read_stream(file: BinaryIO) -> Content:
    """The format before PyTorch 1.6: pickles one after another, then the numbers."""
    if Reader(file).load() != MAGIC:
        raise Refused("it was not written by PyTorch")
    Reader(file).load()  # the version of the format
    Reader(file).load()  # the machine it was written on
    reader = Reader(file)
    value = reader.load()
    places = {}
    for key in Reader(file).load():  # the numbers lie in the order of this list
        if key not in reader.storages:
            raise Refused("it holds numbers that belong to no tensor")
        (count,) = struct.unpack("<q", exactly(file, 8))
        if count < 0:
            raise Refused("it is damaged")
        places[key] = file.tell()
        file.seek(count * reader.storages[key].format.bytes, os.SEEK_CUR)
    return Content(value, places)


def exactly(file: BinaryIO, count: int) -> bytes:
    """So many bytes. Raises Refused if there are fewer."""
    data = file.read(count)
    if len(data) != count:
        raise Refused("it is cut off")
    return data


def tensors(value: object) -> dict[str, Stored]:
    """The tensors of a file by the names that lead to them, without what training wrapped around them."""
    if isinstance(value, Mapping):
        for wrapper in WRAPPERS:
            if isinstance(value.get(wrapper), Mapping) and (found := dict(walk(value[wrapper], ""))):
                return found
    return dict(walk(value, ""))


def walk(value: object, path: str, depth: int = 0) -> Iterator[tuple[str, Stored]]:
    """Each tensor below a value."""
    if depth > 16:
        raise Refused("it is nested too deeply")
    if isinstance(value, Stored):
        yield path or "tensor", value
    elif isinstance(value, (Mapping, list, tuple)):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from walk(item, f"{path}.{key}" if path else str(key), depth + 1)


def facts(value: object) -> dict[str, str]:
    """What a file says at its top beside its tensors: short texts, and numbers and marks as JSON."""
    items = value.items() if isinstance(value, Mapping) else ()
    said = {
        key: item if isinstance(item, str) else json.dumps(item)
        for key, item in items
        if isinstance(key, str) and isinstance(item, (str, int, float))
    }
    short = [(key, text) for key, text in said.items() if len(key) + len(text) <= LONGEST_FACT]
    return dict(short[:MOST_FACTS])


def write(found: Mapping[str, Stored], content: Content, source: BinaryIO, target: BinaryIO) -> None:
    """Write tensors as safetensors."""
    said = facts(content.value)
    header: dict[str, object] = {"__metadata__": said} if said else {}
    at = 0
    for name, tensor in found.items():
        size, kind = bytes_of(tensor), tensor.storage.format.name
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    target.write(struct.pack("<Q", len(text)) + text)
    for tensor in found.values():
        write_numbers(tensor, content.places, source, target.write)


def write_numbers(
    tensor: Stored, places: Mapping[str, int], source: BinaryIO, out: Callable[[Any], object]
) -> None:
    """Write the numbers of a tensor in order."""
    storage, width = tensor.storage, tensor.storage.format.bytes
    if storage.key not in places:
        raise Refused("it lacks the numbers of a tensor")
    source.seek(places[storage.key] + (storage.first + tensor.offset) * width)
    left = (reach(tensor) - tensor.offset) * width if 0 not in tensor.shape else 0
    if left == bytes_of(tensor) and is_plain(tensor):
        while left > 0:
            left -= len(data := exactly(source, min(left, CHUNK_BYTES)))
            out(data)
        return
    numbers = memoryview(exactly(source, left)).cast(UNITS[width])
    for row in rows(numbers, tensor.shape, tensor.stride):
        out(row)


def rows(
    numbers: memoryview, shape: tuple[int, ...], stride: tuple[int, ...], first: int = 0
) -> Iterator[bytes]:
    """The numbers of a tensor that do not lie in order, row by row."""
    if not shape or 0 in shape:
        yield numbers[first : first + 1 - (0 in shape)].tobytes()
    elif len(shape) == 1 and stride[0] == 0:
        yield numbers[first : first + 1].tobytes() * shape[0]
    elif len(shape) == 1:
        yield numbers[first : first + (shape[0] - 1) * stride[0] + 1 : stride[0]].tobytes()
    else:
        for index in range(shape[0]):
            yield from rows(numbers, shape[1:], stride[1:], first + index * stride[0])


def is_plain(tensor: Stored) -> bool:
    """Whether a tensor's numbers lie in order, without gaps."""
    step = 1
    for side, stride in zip(reversed(tensor.shape), reversed(tensor.stride), strict=True):
        if side != 1 and stride != step:
            return False
        step *= side
    return True


def limit(size: int) -> None:
    """From here on: no new file or connection, and no more memory and time than the file's size justifies."""
    import resource

    codecs.lookup("cp437")  # for the names in an archive: nothing can be imported from here on
    memory = LEAST_MEMORY + 2 * size
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def main() -> None:
    """Convert stdin, a file, to stdout, a pipe."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    size = os.fstat(source.fileno()).st_size
    limit(size)
    try:
        content = read(source, size)
        found = tensors(content.value)
        if not found:
            raise Refused("it holds no tensors")
        if sum(map(bytes_of, found.values())) > MOST_GROWTH * size:
            raise Refused("it claims to hold more numbers than there are in it")
        write(found, content, source, target)
        target.flush()
    except Refused as refused:
        sys.stderr.write(str(refused))
        sys.exit(REFUSED)
    except DAMAGED:
        sys.stderr.write("it is damaged")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
