"""A server to be killed: queues each line of its stdin and answers with the id of the run."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.server.toys import PROGRAM, plant


async def serve(folder: Path) -> None:
    """Queue documents until killed. An id on stdout means that the run was accepted."""
    async with plant(folder) as toys:
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[str] = asyncio.Queue()

        def listen() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)

        threading.Thread(target=listen, daemon=True).start()
        sys.stdout.write(f"ready {toys.runner.pid or 0}\n")
        sys.stdout.flush()
        while True:
            run = await toys.queue.add(await lines.get())
            sys.stdout.write(f"{run.id}\n")
            sys.stdout.flush()


class Victim:
    """The server's process, from the outside."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.kill", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROGRAM,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith("ready")

    def submit(self, document: str) -> str:
        """Queue a document; returns its id once it is accepted."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(document + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def worker(self) -> int:
        """The process id of its worker."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def kill(self) -> None:
        """kill -9, and nothing else."""
        self.process.kill()
        self.process.wait()


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be collected does not)."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
    os._exit(0)
