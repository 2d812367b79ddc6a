"""Values that turn out to be of no use: who is to read one is told at once, before dearer work is done.

A checkpoint without a VAE inside loads well, and what stands for the VAE has an attribute `lack`: the error
that its use would raise.
"""

from collections.abc import Iterable, Mapping

from graph.cache import Known
from graph.errors import NodeFailed
from graph.held import Held
from graph.jobs import Job


def require_whole(
    job: Job, known: Known, targets: Iterable[str], jobs: Mapping[str, Job], held: Held
) -> None:
    """Raise NodeFailed for a node that is sure to read something of no use in a node's result."""
    for output, items in zip(job.implementation.spec.outputs, known.outputs, strict=True):
        for item in items:
            # Asked of its type first: the values of packs may answer anything.
            lack = getattr(item, "lack", None) if hasattr(type(item), "lack") else None
            if isinstance(lack, Exception) and (
                reader := sure_reader((job.id, output.name), targets, jobs, held)
            ):
                raise NodeFailed(reader.root, lack) from lack


def sure_reader(
    link: tuple[str, str], targets: Iterable[str], jobs: Mapping[str, Job], held: Held
) -> Job | None:
    """A node that will read an output, whatever lazy inputs will ask for; None if there may be none."""
    pending = [*targets]
    seen = set(pending)
    while pending:
        job = jobs[pending.pop()]
        links = {} if job.id in held else job.sources
        above = {source for name, source in links.items() if name not in job.lazy}
        if link in above:
            return job
        new = {source for source, _ in above} - seen
        seen |= new
        pending.extend(new)
    return None
