"""The floor of `bench.measure_fleet`: uvicorn as the console uses it, and nothing of the console.

`python -m bench.fleet_floor CERTIFICATE KEY` prints its port and then obeys `run`: a text to every socket,
answered with the seconds until every one has said something.
"""

import asyncio
import json
import socket
import sys
import time

import uvicorn
import uvloop


class Bare:
    def __init__(self):
        self.open = set()

    async def __call__(self, _scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        self.open.add(send)
        while (await receive())["type"] != "websocket.disconnect":
            self.left -= 1
            if not self.left:
                self.done.set()
        self.open.discard(send)

    async def run(self):
        self.done, self.left = asyncio.Event(), len(self.open)
        began = time.perf_counter()
        for send in self.open:
            await send({"type": "websocket.send", "text": "kick_vm task run t-lo0000000000000"})
        await self.done.wait()
        return {"seconds": time.perf_counter() - began, "results": len(self.open)}


async def main(certificate, key):
    bare = Bare()
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        bare,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=60.0,
        ws_ping_timeout=60.0,
        lifespan="off",
        log_level="warning",
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.wait({serving}, timeout=0.01)
        assert not serving.done(), serving.result()
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        print(json.dumps(await bare.run()), flush=True)
    serving.cancel()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
