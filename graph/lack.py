"""Values that turn out to be of no use: who is to read one is told at once, before dearer work is done.

A checkpoint without a VAE inside loads well, and what stands for the VAE has an attribute `lack`: the error
that its use would raise.
"""

from collections.abc import Iterable, Mapping

from graph.cache import Known
from graph.errors import NodeFailed
from graph.held import Held
from graph.jobs import Job
from graph.node import NodeSpec
from graph.wires import ANY


def require_whole(
    job: Job, known: Known, targets: Iterable[str], jobs: Mapping[str, Job], held: Held
) -> None:
    """Raise NodeFailed for a node that is sure to need something of no use in a node's result."""
    for output, items in zip(job.implementation.spec.outputs, known.outputs, strict=True):
        for item in items:
            # Asked of its type first: the values of packs may answer anything.
            lack = getattr(item, "lack", None) if hasattr(type(item), "lack") else None
            if isinstance(lack, Exception) and (
                reader := sure_reader((job.id, output.name), output.type, targets, jobs, held)
            ):
                raise NodeFailed(reader.root, lack) from lack


def sure_reader(
    link: tuple[str, str], wire: str, targets: Iterable[str], jobs: Mapping[str, Job], held: Held
) -> Job | None:
    """A node that will need an output of a wire type, whatever lazy inputs will ask for.

    None if there may be none.
    """
    pending = [*targets]
    seen = set(pending)
    while pending:
        job = jobs[pending.pop()]
        links = {} if job.id in held else job.sources
        above = {name: source for name, source in links.items() if name not in job.lazy}
        if any(
            source == link and needs(job.implementation.spec, name, wire) for name, source in above.items()
        ):
            return job
        new = {source for source, _ in above.values()} - seen
        seen |= new
        pending.extend(new)
    return None


def needs(spec: NodeSpec, name: str, wire: str) -> bool:
    """Whether a node does more with what it reads than to show it, or to hand it on, changed or not."""
    wanted = next((each.type for each in spec.inputs if each.name == name), ANY)
    return wanted == wire and not any(each.type in (wire, ANY) for each in spec.outputs)
