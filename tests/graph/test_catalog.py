"""Every node type there is."""

import time
from types import ModuleType

import msgspec
import pytest

from graph.catalog import Catalog
from graph.define import implementation_of, node
from graph.errors import NodeDefinitionError
from graph.packs import BrokenPack, Pack


class Image:
    socket = "IMAGE"


def module_of(*names: str) -> ModuleType:
    made = ModuleType("toys")
    for name in names:

        def toy(image: Image, amount: float = 1.0) -> Image: ...

        toy.__module__ = "toys"
        setattr(made, f"{name}_node", node(name)(toy))
    return made


def pack_of(name: str, *types: str) -> Pack:
    return Pack(
        name, tuple(implementation_of(each) for each in vars(module_of(*types)).values() if callable(each))
    )


def test_a_catalog_holds_what_modules_and_packs_define():
    catalog = Catalog.collect([module_of("A", "B")], [pack_of("film", "C")])
    assert [*catalog.specs] == ["A", "B", "C"] == [*catalog.implementations]


def test_the_programs_own_node_wins_and_the_pack_is_told():
    own = module_of("A")
    catalog = Catalog.collect([own], [pack_of("film", "A")])
    assert catalog.implementations["A"] is implementation_of(own.A_node)
    assert catalog.broken == (
        BrokenPack("film", "Its node A is left out, because the program itself has one of that name."),
    )


def test_of_two_packs_the_earlier_one_wins():
    catalog = Catalog.collect([], [pack_of("film", "A"), pack_of("glow", "A")])
    assert [each.name for each in catalog.broken] == ["glow"]


def test_a_pack_with_two_nodes_of_one_name_is_told():
    first, second = pack_of("film", "A"), pack_of("film", "A")
    catalog = Catalog.collect([], [Pack("film", (*first.implementations, *second.implementations))])
    assert catalog.implementations["A"] is first.implementations[0]
    assert [each.name for each in catalog.broken] == ["film"]


def test_two_own_nodes_of_one_name_are_a_mistake():
    with pytest.raises(NodeDefinitionError, match="Two nodes are called A"):
        Catalog.collect([module_of("A"), module_of("A")])


def test_broken_packs_are_kept_with_their_reason():
    broken = BrokenPack("film", "It could not be imported.")
    assert Catalog.collect([], [broken]).broken == (broken,)


def test_a_catalog_cannot_be_changed():
    with pytest.raises(TypeError):
        Catalog.collect([module_of("A")]).specs["B"] = None  # type: ignore[index]


def test_a_hundred_nodes_are_described_in_well_under_a_tenth_of_a_second():
    catalog = Catalog.collect([module_of(*(f"Node{i}" for i in range(100)))])
    times = []
    for _ in range(3):
        start = time.thread_time()
        msgspec.json.encode(tuple(catalog.specs.values()))
        times.append(time.thread_time() - start)
    assert min(times) < 0.02
