"""Where the provider of SMS calls us: delivery reports and replies, each proven to come from it.

It gets 200 only for what is on our disk; whatever else it hears makes it tell once more, which changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from hotline.logs import OwnersFault, logger
from hotline.records import RecordsFault
from hotline.sms import is_opt_out, mobile
from hotline.sms_provider import Reports, proven, read_replies, read_reports
from hotline.sms_worker import Sender

LONGEST = 262_144
"""bytes of one call"""

_log = logger("sms")


class WebhookFault(OwnersFault):
    """The port can't be used. One line: place, fault, remedy."""


def application(sender: Sender, reports: Reports) -> web.Application:
    """``POST /reports`` and ``POST /replies``."""

    async def read(request: web.Request) -> bytes:
        body = await request.read()
        if not proven(reports, request.headers.get(reports.header), body):
            _log.warning("a call that is not proven to come from the provider", path=request.path)
            raise web.HTTPForbidden(text=f"{reports.header} is missing or wrong")
        return body

    async def take_reports(request: web.Request) -> web.Response:
        found = read_reports(reports, await read(request))
        if found is None:
            raise web.HTTPBadRequest(text="this is no delivery report")
        try:
            moved = await sender.outbox.report(found, sender.now())
        except RecordsFault:
            raise web.HTTPServiceUnavailable(text="once more, later") from None
        _log.info("sms reported", reports=len(found), moved=moved)
        return web.json_response({"taken": len(found)})

    async def take_replies(request: web.Request) -> web.Response:
        found = read_replies(reports, await read(request))
        if found is None:
            raise web.HTTPBadRequest(text="this is no reply")
        for number, text in found:
            plain = mobile(number)
            if plain is None or not is_opt_out(text):
                continue
            try:
                await sender.outbox.opt_out(plain, "reply", sender.now())
            except RecordsFault:
                raise web.HTTPServiceUnavailable(text="once more, later") from None
            _log.info("sms opted out", number=plain)
        return web.json_response({"taken": len(found)})

    app = web.Application(client_max_size=LONGEST)
    app.router.add_post("/reports", take_reports)
    app.router.add_post("/replies", take_replies)
    return app


@contextlib.asynccontextmanager
async def serving(sender: Sender, reports: Reports) -> AsyncIterator[int]:
    """Listen while this holds; gives the port. Raises `WebhookFault`."""
    runner = web.AppRunner(application(sender, reports), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, reports.host, reports.port)
        try:
            await site.start()
        except OSError as fault:
            raise WebhookFault(
                f"sms.reports.listen: {reports.host}:{reports.port} can't be listened on ({fault.strerror}): "
                "write another port, or end who has it"
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def serve(sender: Sender, reports: Reports) -> None:
    """Listen until cancelled."""
    async with serving(sender, reports):
        await asyncio.Event().wait()
