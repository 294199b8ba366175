"""A far end of SIPp's is found alive: also when its answer to an OPTIONS got lost, and the OPTIONS comes again."""

from __future__ import annotations

import asyncio
import socket

import pytest

from hotline.rehearsal.farend_live import FarEnd

pytestmark = pytest.mark.switch


async def test_an_options_that_comes_again_is_answered_again() -> None:
    loop = asyncio.get_running_loop()
    async with FarEnd("127.44.1.1", 0) as far:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as switch:
            switch.setblocking(False)
            switch.bind(("127.44.1.2", 0))
            switch.connect(far.bind)
            host, port = switch.getsockname()
            ask = (
                f"OPTIONS sip:{far.bind[0]}:{far.bind[1]} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKagain\r\n"
                f"From: <sip:switch@{host}>;tag=one\r\nTo: <sip:{far.bind[0]}>\r\nCall-ID: again@{host}\r\n"
                "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            ).encode()
            for _ in range(3):
                await loop.sock_sendall(switch, ask)
                async with asyncio.timeout(3):
                    answer = await loop.sock_recv(switch, 2048)
                assert answer.startswith(b"SIP/2.0 200 OK\r\n")
