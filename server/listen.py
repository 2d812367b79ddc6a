"""Serve the application on a port until somebody says stop."""

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable

from aiohttp import web

from server.app import build
from server.config import Config

IDLE_SECONDS = 75.0
SHUTDOWN_SECONDS = 10.0
log = logging.getLogger(__name__)


class CannotListen(Exception):
    """The port is taken, or may not be used; the message is a sentence for the person."""


async def serve(config: Config, announce: Callable[[str], None]) -> None:
    """Listen until SIGINT or SIGTERM; the second of them ends the process at once.

    `announce` is told the address as soon as it answers. Raises CannotListen, DatabaseError.
    """
    runner = web.AppRunner(
        build(config), access_log=None, keepalive_timeout=IDLE_SECONDS, shutdown_timeout=SHUTDOWN_SECONDS
    )
    listener = _bound(config)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
        port = listener.getsockname()[1]
        announce(f"http://{config.host}:{port}")
        await _told_to_stop()
        log.info("stopping")
    finally:
        await runner.cleanup()
        listener.close()


def _bound(config: Config) -> socket.socket:
    """A listening socket, taken before anything else is opened, so that a second server stops at once."""
    family = socket.AF_INET6 if ":" in config.listen else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.listen, config.port))
    except OSError as error:
        listener.close()
        reasons = {
            errno.EADDRINUSE: "Another program, perhaps a second Photogram, already uses it.",
            errno.EACCES: "Ports below 1024 are kept for the system.",
        }
        reason = reasons.get(error.errno or 0, f"{os.strerror(error.errno or 0)}.")
        raise CannotListen(
            f"Port {config.port} cannot be used. {reason} Choose another with --port."
        ) from error
    listener.setblocking(False)
    return listener


async def _told_to_stop() -> None:
    told = asyncio.Event()

    def tell() -> None:
        if told.is_set():
            os._exit(1)  # what was accepted is on the disk; the worker ends with its pipe
        told.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell)
    await told.wait()
