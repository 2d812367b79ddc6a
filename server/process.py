"""One life of the worker process: started, spoken to over pipes, and ended one way or another."""

import asyncio
import logging
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from server.messages import HEAD, Settings, ToServer, ToWorker, pack, size, unpack

PROGRAM = Path(__file__).resolve().parent.parent
DUMP_SECONDS = 0.5
"""How long a hung worker gets to write its stack to the log."""
log = logging.getLogger(__name__)


class WorkerProcess:
    """A running worker. It ends by itself when this side's pipe closes, also if the server is killed."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._doom = ""

    @classmethod
    async def start(cls, settings: Settings) -> "WorkerProcess":
        """Start a worker and tell it its settings."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server.worker", stdin=PIPE, stdout=PIPE, cwd=PROGRAM
        )
        worker = cls(process)
        worker.send(settings)
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, message: ToWorker) -> None:
        """Send without waiting; a worker that is gone hears nothing, and that it is gone shows elsewhere."""
        assert self._process.stdin is not None
        with suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(pack(message))

    async def messages(self) -> AsyncIterator[ToServer]:
        """What the worker says, until it ends. Raises Broken if that cannot be read."""
        assert self._process.stdout is not None
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self._process.stdout.readexactly(HEAD.size)
                body = await self._process.stdout.readexactly(size(head))
                yield unpack(body)

    async def ended(self) -> str:
        """Wait for the end, and say in a sentence how it came."""
        code = await self._process.wait()
        if self._doom:
            return self._doom
        if code >= 0:
            return f"The worker ended with status {code}."
        names = {-number: number.name for number in signal.Signals}
        return f"The worker was ended by {names.get(code, f'signal {-code}')}{_meaning(-code)}."

    def kill(self, reason: str) -> None:
        """End it at once; `reason` is what `ended` will say."""
        self._doom = self._doom or reason
        with suppress(ProcessLookupError):
            self._process.kill()

    async def kill_with_stack(self, reason: str) -> None:
        """Let it write where it hangs to the log, then end it."""
        self._doom = self._doom or reason
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(DUMP_SECONDS)
        self.kill(reason)

    async def wind_down(self, seconds: float) -> None:
        """Ask it to stop at the next opportunity, and end it if that takes longer."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            log.warning("the worker did not stop within %.0f s and was ended", seconds)
            self.kill("The server was stopped.")
            await self._process.wait()


def _meaning(number: int) -> str:
    meanings = {
        signal.SIGSEGV: ": a node or a library it uses has crashed",
        signal.SIGABRT: ": a node or a library it uses has given up",
        signal.SIGKILL: ": somebody ended it, or the machine ran out of memory",
    }
    return meanings.get(signal.Signals(number), "")
