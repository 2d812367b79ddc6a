"""Every node type there is: found once in modules and packs, then only read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType

from graph.define import FunctionNode, Upgrade, marked
from graph.errors import NodeDefinitionError
from graph.node import Implementation, NodeSpec
from graph.packs import BrokenPack, Pack


@dataclass(frozen=True, slots=True)
class Catalog:
    """Node types by name: what describes them, what runs them, and which packs did not load."""

    implementations: Mapping[str, Implementation] = field(default_factory=dict)
    broken: tuple[BrokenPack, ...] = ()
    specs: Mapping[str, NodeSpec] = field(init=False)

    def __post_init__(self) -> None:
        specs = {name: implementation.spec for name, implementation in self.implementations.items()}
        object.__setattr__(self, "implementations", MappingProxyType(dict(self.implementations)))
        object.__setattr__(self, "specs", MappingProxyType(specs))

    @classmethod
    def collect(cls, modules: Iterable[ModuleType], packs: Iterable[Pack | BrokenPack] = ()) -> "Catalog":
        """Find the nodes of modules and packs.

        The program's own node types win over a pack's, and an earlier pack's over a later one's; the pack is
        told in `broken`. Raises NodeDefinitionError if two of the program's own have one name.
        """
        found: dict[str, Implementation] = {}
        for each in (each for module in modules for each in marked(module)):
            if each.spec.type in found:
                raise NodeDefinitionError(f"Two nodes are called {each.spec.type}. Rename one of them.")
            found[each.spec.type] = each
        own, broken = frozenset(found), list[BrokenPack]()
        for pack in packs:
            if isinstance(pack, BrokenPack):
                broken.append(pack)
                continue
            for implementation in pack.implementations:
                name = implementation.spec.type
                if name in found:
                    other = "the program itself" if name in own else f"the pack {found[name].spec.pack}"
                    reason = f"Its node {name} is left out, because {other} has one of that name."
                    broken.append(BrokenPack(pack.name, reason))
                else:
                    found[name] = implementation
        return cls(found, tuple(broken))

    def upgrades(self, type: str) -> Mapping[int, Upgrade]:
        """For each older version, what brings its values to the next."""
        implementation = self.implementations.get(type)
        return implementation.upgrades if isinstance(implementation, FunctionNode) else {}
