"""Which async nodes may start before everything else."""

from collections.abc import Collection, Iterable, Mapping

from graph.jobs import Job


def ahead(
    order: Iterable[str], targets: Iterable[str], jobs: Mapping[str, Job], known: Collection[str]
) -> list[str]:
    """Async nodes that are surely needed and read nothing but known results and one another.

    `order` lists each node after all it reads. What only a lazy input needs is not surely needed.
    """
    if not any(job.implementation.spec.is_async for job in jobs.values()):
        return []
    forward = [*order]
    sure = {target for target in targets if target not in known}
    for node in reversed(forward):
        if node in sure:
            sure.update(source for source in _eager(jobs[node]) if source not in known)
    free: dict[str, None] = {}
    for node in forward:
        is_async = node in sure and jobs[node].implementation.spec.is_async
        if is_async and all(source in free or source in known for source in _eager(jobs[node])):
            free[node] = None
    return [*free]


def _eager(job: Job) -> list[str]:
    return [source for name, (source, _) in job.sources.items() if name not in job.lazy]
