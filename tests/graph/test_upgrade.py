"""Old node values, links and names brought to the current version."""

from dataclasses import replace
from types import ModuleType
from typing import Any

from graph.catalog import Catalog
from graph.define import node
from graph.upgrade import upgrade
from graph.workflow import Graph, Link, NamedInput, Node, Workflow


class Image:
    socket = "IMAGE"


def renamed(values: dict[str, Any]) -> dict[str, Any]:
    return {("amount" if name == "strength" else name): value for name, value in values.items()}


def scaled(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "amount": values["amount"] * 100}


def without_mask(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "mask"}


def failing(values: dict[str, Any]) -> dict[str, Any]:
    return {"x": values["nowhere"]}


def catalog_of(version: int, upgrades: dict[int, Any]) -> Catalog:
    @node("Sharpen", version=version, upgrades=upgrades)
    def sharpen(image: Image, amount: float = 1.0) -> Image: ...

    module = ModuleType(__name__)
    module.sharpen = sharpen  # type: ignore[attr-defined]
    return Catalog.collect([module])


CATALOG = catalog_of(4, {1: renamed, 2: scaled, 3: without_mask})
OLD = Node("Sharpen", version=1, inputs={"strength": 0.5})


def workflow(node: Node, *links: Link, inputs: tuple[NamedInput, ...] = ()) -> Workflow:
    return Workflow(Graph({"a": node}, links, inputs=inputs))


def test_several_versions_are_crossed_in_order():
    new = upgrade(workflow(OLD), CATALOG).graph.nodes["a"]
    assert new == replace(OLD, version=4, inputs={"amount": 50.0})


def test_a_step_already_taken_is_not_taken_again():
    new = upgrade(workflow(replace(OLD, version=3, inputs={"amount": 50.0})), CATALOG).graph.nodes["a"]
    assert new.inputs == {"amount": 50.0}


def test_a_link_follows_its_renamed_input():
    link = Link("b", "FLOAT", "a", "strength")
    new = upgrade(workflow(replace(OLD, inputs={}), link), CATALOG).graph
    assert (new.links, new.nodes["a"].inputs) == ((replace(link, input="amount"),), {})


def test_a_link_to_an_input_that_is_gone_is_dropped():
    links = (Link("b", "MASK", "a", "mask"), Link("b", "IMAGE", "a", "image"))
    assert upgrade(workflow(OLD, *links), CATALOG).graph.links == links[1:]


def test_a_named_input_and_a_seed_mode_follow_a_renamed_input():
    named = NamedInput("prompt", (("a", "strength"),))
    new = upgrade(workflow(replace(OLD, seeds={"strength": "random"}), inputs=(named,)), CATALOG).graph
    assert new.inputs[0].targets == (("a", "amount"),)
    assert new.nodes["a"].seeds == {"amount": "random"}


def test_the_value_under_a_link_follows_too():
    link = Link("b", "FLOAT", "a", "strength")
    assert upgrade(workflow(OLD, link), catalog_of(2, {1: renamed})).graph.nodes["a"].inputs == {
        "amount": 0.5
    }


def test_nodes_of_subgraphs_are_upgraded():
    inside = Workflow(Graph(), subgraphs={"s": Graph({"a": OLD})})
    assert upgrade(inside, CATALOG).subgraphs["s"].nodes["a"].version == 4


def test_unknown_and_newer_nodes_stay_as_they_are():
    for stranger in (Node("Elsewhere", version=1), replace(OLD, version=9)):
        assert upgrade(workflow(stranger), CATALOG) == workflow(stranger)


def test_a_node_whose_upgrade_fails_stays_as_it_is():
    assert upgrade(workflow(OLD), catalog_of(2, {1: failing})) == workflow(OLD)


def test_a_version_without_an_upgrade_keeps_the_values():
    new = upgrade(workflow(OLD), catalog_of(7, {})).graph.nodes["a"]
    assert new == replace(OLD, version=7)


def test_upgrading_twice_changes_nothing_more():
    once = upgrade(workflow(OLD), CATALOG)
    assert upgrade(once, CATALOG) == once
