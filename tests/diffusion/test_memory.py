from dataclasses import replace

import pytest
import torch

from diffusion.checkpoint import WeightFile
from diffusion.errors import BrokenFile, OutOfMemory
from diffusion.families.sd15 import SD15
from diffusion.memory import Handle, Memory, computes_bfloat16
from tests import tiny


class Plus:
    """A patch that adds a number to some weights."""

    def __init__(self, number: float, *names: str) -> None:
        self.number, self.weights = number, names

    def names(self):
        return self.weights

    def applied(self, name, weight):
        return weight + self.number


FIRST = "conv_in.weight"


def handles(path, memory: Memory) -> tuple[Handle, Handle, Handle]:
    """The network, text encoder and VAE of a checkpoint."""
    file = WeightFile(path)
    parts = SD15.parts(file.header)
    return tuple(Handle(part, file, memory) for part in (parts.network, *parts.texts, parts.vae))


@pytest.fixture
def memory() -> Memory:
    return Memory(precision="float32")


@pytest.fixture
def network(tiny_sd15, memory) -> Handle:
    return handles(tiny_sd15, memory)[0]


def weight(handle: Handle, *patches: Plus) -> torch.Tensor:
    """The first weight of the network with some patches."""
    with handle.resident(patches) as module:
        return module.get_parameter(FIRST).clone()


def test_a_network_whose_sizes_make_no_sense_is_refused_in_a_sentence(network, memory):
    def build():
        raise ValueError("num_channels (8) must be divisible by num_groups (32)")

    with (
        pytest.raises(BrokenFile, match="cannot be built: num_channels"),
        Handle(replace(network.part, build=build), network.file, memory).resident(),
    ):
        pass


def test_a_network_is_loaded_once(network):
    with network.resident() as first, network.resident() as second:
        assert first is second


def test_used_memory_is_what_the_weights_take(network, memory):
    with network.resident() as module:
        assert memory.used_bytes == sum(each.nbytes for each in module.parameters())


def test_a_network_cannot_be_trained_by_accident(network):
    with network.resident() as module:
        assert not module.training and not any(each.requires_grad for each in module.parameters())


def test_weights_loaded_inside_inference_mode_are_ordinary_ones(network):
    with torch.inference_mode(), network.resident() as module:
        assert not next(module.parameters()).is_inference()


def test_the_least_recently_used_network_leaves_first(tiny_sd15):
    network, text, vae = handles(tiny_sd15, memory := Memory(precision="float32"))
    memory.limit_bytes = network.bytes + text.bytes
    for handle in (network, text, network, vae):
        with handle.resident():
            pass
    assert list(memory.held) == [network, vae]


def test_a_network_in_use_never_leaves(tiny_sd15):
    network, text, _vae = handles(tiny_sd15, memory := Memory(limit_bytes=1, precision="float32"))
    with network.resident(), text.resident():
        assert network in memory.held


def test_offloading_keeps_only_what_is_in_use(tiny_sd15):
    network, text, _vae = handles(tiny_sd15, memory := Memory(policy="offload", precision="float32"))
    with network.resident():
        pass
    with text.resident():
        assert list(memory.held) == [text]


def test_offloading_keeps_what_one_in_use_wants_again(tiny_sd15):
    network, text, vae = handles(tiny_sd15, memory := Memory(policy="offload", precision="float32"))
    with network.resident():
        with text.resident():
            pass
        with vae.resident():
            assert set(memory.held) == {network, text, vae}
    with text.resident():
        pass
    memory.evict(vae)
    with vae.resident():
        assert list(memory.held) == [vae]


def test_what_is_wanted_again_leaves_where_there_is_no_room_for_it(tiny_sd15):
    network, text, vae = handles(tiny_sd15, memory := Memory(policy="offload", precision="float32"))
    memory.limit_bytes = network.bytes + max(text.bytes, vae.bytes)
    with network.resident():
        with text.resident():
            pass
        with vae.resident():
            assert set(memory.held) == {network, vae}


def test_a_network_without_room_drives_idle_ones_out_and_is_loaded(tiny_sd15, memory):
    network, text, _vae = handles(tiny_sd15, memory)
    build = text.part.build

    def crowded():
        if memory.held:
            raise torch.OutOfMemoryError
        return build()

    with network.resident():
        pass
    with Handle(replace(text.part, build=crowded), text.file, memory).resident():
        assert network not in memory.held


def test_a_network_without_room_on_an_empty_device_says_how_much_it_needs(network, memory):
    def build():
        raise torch.OutOfMemoryError

    with (
        pytest.raises(OutOfMemory, match="which needs 0.0 GB"),
        Handle(replace(network.part, build=build), network.file, memory).resident(),
    ):
        pass


def test_idle_networks_leave_only_if_the_room_is_needed(network, memory):
    with network.resident():
        pass
    assert (memory.has_room(1), bool(memory.held)) == (True, True)
    memory.free_bytes = lambda: 0
    assert (memory.has_room(1), bool(memory.held)) == (False, False)


def test_the_computer_s_free_memory_is_known():
    assert Memory().free_bytes() > 0


def test_an_evicted_network_comes_back_the_same(network, memory):
    before = weight(network)
    memory.evict(network)
    assert torch.equal(weight(network), before)


def test_weights_in_the_computing_format_stay_in_the_file(tmp_path):
    path = tiny.save_checkpoint(tmp_path / "a.safetensors", dtype=torch.float32)
    network = handles(path, Memory(precision="float32"))[0]
    content = network.file.content
    with network.resident() as module:
        places = [each.data_ptr() - content.data_ptr() for each in module.parameters()]
    assert all(0 <= place < len(content) for place in places)


def test_a_patch_changes_the_weights_it_names(network):
    assert torch.allclose(weight(network, Plus(1, FIRST)), weight(network) + 1)


def test_patches_apply_in_order(network):
    double = Plus(0, FIRST)
    double.applied = lambda name, weight: weight * 2
    expected = weight(network) * 2 + 1
    assert torch.allclose(weight(network, double, Plus(1, FIRST)), expected)


def test_a_network_without_its_patches_is_bit_for_bit_the_one_in_the_file(network):
    before = weight(network)
    weight(network, Plus(1e-3, FIRST))
    assert torch.equal(weight(network), before)


def test_a_patched_weight_is_rounded_once(tmp_path):
    path = tiny.save_checkpoint(tmp_path / "a.safetensors", dtype=torch.float32)
    exact = weight(handles(path, Memory(precision="float32"))[0])
    coarse = weight(handles(path, Memory(precision="bfloat16"))[0], Plus(0.001, FIRST))
    assert torch.equal(coarse, (exact + 0.001).bfloat16())


def test_a_patch_that_fails_leaves_no_half_patched_network(network):
    before = weight(network)
    broken = Plus(1, FIRST, "conv_out.weight")
    broken.applied = lambda name, weight: weight + (1 if name == FIRST else None)
    with pytest.raises(TypeError):
        weight(network, broken)
    assert torch.equal(weight(network), before)


def test_only_weights_whose_patches_change_are_made_again(network):
    seen = []
    kept = Plus(1, FIRST)
    kept.applied = lambda name, weight: seen.append(name) or weight + 1
    weight(network, kept)
    weight(network, kept, Plus(1, "conv_out.weight"))
    assert seen == [FIRST]


def test_a_patch_leaves_the_file_alone(tmp_path):
    path = tiny.save_checkpoint(tmp_path / "a.safetensors", dtype=torch.float32)
    before = path.read_bytes()
    weight(handles(path, Memory(precision="float32"))[0], Plus(1, FIRST))
    assert path.read_bytes() == before


def test_text_encoders_round_patched_weights_to_float16(tiny_sd15, memory):
    text = handles(tiny_sd15, memory)[1]
    name = "final_layer_norm.weight"
    with text.resident((Plus(1e-5, name),)) as module:
        value = module.get_parameter(name)
        assert torch.equal(value, value.half().float())


@pytest.mark.parametrize(
    ("kind", "precision", "expected"),
    [
        ("network", "float16", torch.float16),
        ("vae", "float16", torch.float32),
        ("text", "float16", torch.float32),
        ("vae", "bfloat16", torch.bfloat16),
        ("network", "float32", torch.float32),
    ],
)
def test_each_network_computes_in_a_format_it_bears(kind, precision, expected):
    assert Memory(precision=precision).dtype(kind, torch.float16) == expected


@pytest.mark.parametrize(("has_units", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_computes_in_bfloat16_only_if_it_has_the_units(has_units, expected):
    memory = Memory()
    memory.has_bfloat16 = has_units
    assert memory.dtype("network", torch.float16) == expected


def test_the_units_are_looked_up():
    assert computes_bfloat16(torch.device("cpu")) in (True, False)


def test_a_file_that_lacks_a_weight_is_refused_by_name(tmp_path):
    path = tiny.save_checkpoint(tmp_path / "a.safetensors")
    network = handles(path, Memory())[0]
    del network.part.sources[FIRST]
    with pytest.raises(BrokenFile, match="lacks conv_in.weight"):
        weight(network)


def test_a_weight_of_the_wrong_shape_is_refused_by_name(network):
    network.part.sources[FIRST] = network.part.sources["conv_out.weight"]
    with pytest.raises(BrokenFile, match="is needed"):
        weight(network)


class Noted(Plus):
    """A patch that counts how often it is applied."""

    times = 0

    def applied(self, name, weight):
        self.times += 1
        return super().applied(name, weight)


def alternating(network: Handle, *patches: Plus) -> torch.Tensor:
    """The first weight of a network that soon goes back to other patches."""
    with network.resident(patches, alternates=True) as module:
        return module.get_parameter(FIRST).clone()


def test_a_network_that_goes_to_and_fro_is_patched_once(network, memory):
    memory.limit_bytes = 2 * network.bytes
    patch, plain = Noted(1.0, FIRST), weight(network)
    for _ in range(3):
        assert torch.equal(alternating(network), plain)
        assert torch.equal(alternating(network, patch), plain + 1)
    assert patch.times == 1
    assert memory.used_bytes == network.bytes + plain.nbytes


def test_what_is_kept_for_that_goes_when_it_ends(network, memory):
    patch, plain = Noted(1.0, FIRST), weight(network)
    alternating(network, patch)
    assert torch.equal(weight(network, patch), plain + 1)
    assert (memory.used_bytes, memory.held[network].spare) == (network.bytes, {})
    assert torch.equal(weight(network), plain)


@pytest.mark.parametrize("shortage", ["limit", "policy", "device"])
def test_nothing_is_kept_twice_where_memory_is_short(network, memory, shortage):
    if shortage == "limit":
        memory.limit_bytes = network.bytes + 1
    elif shortage == "policy":
        memory.policy = "offload"
    else:
        memory.free_bytes = lambda: network.bytes
    patch, plain = Noted(1.0, FIRST), weight(network)
    for _ in range(2):
        assert torch.equal(alternating(network, patch), plain + 1)
        assert torch.equal(alternating(network), plain)
    assert (patch.times, memory.used_bytes) == (2, network.bytes)
