"""The least that "run a command on servers" can be: a websocket server in a thread, agents that are
processes, and `bash`. No history, no signatures, no TLS.

As a program (`python -m bench.floor ws://…`) it is one of the agents.
"""

import asyncio
import contextlib
import subprocess
import sys
import threading
import time

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

CONNECT_SECONDS = 60
RUN_SECONDS = 30


class Floor:
    def __init__(self, number):
        self._sockets = []
        self._number = number
        self._left = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        port = self._call(self._listen())
        command = [sys.executable, "-m", "bench.floor", f"ws://127.0.0.1:{port}"]
        self._agents = [subprocess.Popen(command) for _ in range(number)]
        deadline = time.monotonic() + CONNECT_SECONDS
        while len(self._sockets) < number:
            assert time.monotonic() < deadline, "the floor's agents did not connect"
            time.sleep(0.02)

    def run(self):
        """Seconds from the call until every agent's output is here."""
        began = time.perf_counter()
        self._call(self._run())
        return time.perf_counter() - began

    def end(self):
        for agent in self._agents:
            agent.terminate()
        for agent in self._agents:
            agent.wait()
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(RUN_SECONDS)

    async def _listen(self):
        self._server = await serve(self._hear, "127.0.0.1", 0, compression=None, ping_interval=None)
        return self._server.sockets[0].getsockname()[1]

    async def _close(self):
        self._server.close()
        await self._server.wait_closed()

    async def _hear(self, socket):
        self._sockets.append(socket)
        # At the end its agent is killed.
        with contextlib.suppress(ConnectionClosed):
            async for output in socket:
                assert output == b"hi\n"
                self._left -= 1
                if not self._left:
                    self._done.set()

    async def _run(self):
        self._done, self._left = asyncio.Event(), self._number
        for socket in self._sockets:
            await socket.send("echo hi")
        await self._done.wait()


async def agent(url):
    async with connect(url, compression=None, ping_interval=None) as socket:
        async for command in socket:
            process = await asyncio.create_subprocess_exec(
                "bash", "-c", command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
            )
            output, _errors = await process.communicate()
            await socket.send(output)


if __name__ == "__main__":
    asyncio.run(agent(sys.argv[1]))
