"""Whether the web process answers, asked over its plain listener."""

import asyncio

from console.up import log

PAUSE_SECONDS = 0.05
ANSWER_SECONDS = 5.0
# How often somebody who waits is told what is missing.
PATIENCE_SECONDS = 20.0


async def until_ready(address: tuple[str, int], path: str) -> None:
    loop = asyncio.get_running_loop()
    told_at = loop.time()
    while True:
        answer = await ask(address, path)
        if answer.startswith("HTTP/1.1 200 "):
            return
        if loop.time() - told_at > PATIENCE_SECONDS:
            told_at = loop.time()
            said = answer.rpartition("\n")[2] or "no answer"
            log.warning("Still not ready; the lines above should say why", answer=said)
        await asyncio.sleep(PAUSE_SECONDS)


async def ask(address: tuple[str, int], path: str) -> str:
    """The whole answer; empty where there is none."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(*address)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                return (await reader.read()).decode("latin-1")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
