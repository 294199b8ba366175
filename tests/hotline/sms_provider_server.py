"""A provider of SMS on the loopback that knows its ids, and fails in every way that it is told to."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

YES = {"code": "0", "data": {"msgid": "p-1"}}


class Provider:
    """``plan``: what it does with the next requests, then it takes all. ``delivered``: how often each id was, by a
    provider that knows its ids."""

    def __init__(self, host: str = "127.0.0.9") -> None:
        self.host = host
        self.port = 0
        self.plan: deque[str] = deque()
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.raw: list[bytes] = []
        self.delivered: Counter[str] = Counter()
        self.open = 0
        self.most_open = 0
        self.arrived = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/send"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        how = self.plan.popleft() if self.plan else "yes"
        transport = request.transport
        assert transport is not None
        if how == "closes unread":
            transport.abort()
            return web.Response()
        raw = await request.read()
        self.raw.append(raw)
        body = json.loads(raw) if raw else {}
        self.requests.append((request.path, body, dict(request.headers)))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.arrived.set()
        try:
            return await self._do(how, request, transport, request.headers.get("Idempotency-Key", ""))
        finally:
            self.open -= 1

    async def _do(
        self, how: str, request: web.Request, transport: asyncio.Transport, id_: str
    ) -> web.StreamResponse:
        how, _, more = how.partition(":")
        if how in {"yes", "lost", "half", "hang", "twice", "html", "garbage", "enormous", "taken, 500"}:
            self.delivered[id_] = 1 if id_ else self.delivered[id_] + 1
        whole = json.dumps(YES).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(whole)
        match how:
            case "yes":
                return web.json_response(YES)
            case "html":
                return web.Response(body=whole, content_type="text/html")
            case "lost":
                transport.abort()
            case "half":
                transport.write(head + whole[:7])
                transport.close()
            case "twice":
                transport.write(head + whole + head + whole)
                transport.close()
            case "no http":
                transport.write(b"220 smtp.example ESMTP\r\n")
                transport.close()
            case "hang":
                await asyncio.Event().wait()
            case "garbage":
                return web.Response(body=b"\xff\xfe<html>busy")
            case "enormous":
                return web.Response(body=b'{"code": "0", "more": "' + b"x" * 2_000_000 + b'"}')
            case "redirect":
                return web.Response(status=302, headers={"Location": "/elsewhere"})
            case "says":
                return web.json_response({"code": more})
            case "429":
                return web.Response(status=429, headers={"Retry-After": more})
            case "taken, 500":
                return web.Response(status=500)
            case _:
                return web.Response(status=int(how))
        return web.Response()


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
