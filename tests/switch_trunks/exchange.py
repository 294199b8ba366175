"""A carrier's exchange that nobody here rendered: a second small Asterisk with a registrar, configured by hand."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from hotline.rehearsal.process_live import free_port
from tests.real_asterisk import SECRET, USER, RealAsterisk

UDP_HOST, TCP_HOST = "127.8.0.31", "127.8.0.32"
_MODULES = "res_pjsip_authenticator_digest res_pjsip_endpoint_identifier_user res_pjsip_nat res_pjsip_caller_id app_verbose"

# A call from the city is answered for a moment; the number and the caller stand in the log.
_DIALPLAN = """
[from-city]
exten => _X.,1,Verbose(0,asked for ${EXTEN} by ${CALLERID(num)} of ${CHANNEL(endpoint)})
 same => n,Answer()
 same => n,Wait(0.3)
 same => n,Hangup()
"""

_ENDPOINT = """
[{user}]
type = endpoint
context = from-city
transport = {transport}
identify_by = username,auth_username
disallow = all
allow = alaw
auth = {user}
aors = {user}
direct_media = no
from_domain = carrier.example
[{user}]
type = auth
auth_type = userpass
username = {user}
password = {secret}
[{user}]
type = aor
max_contacts = 1
remove_existing = yes
minimum_expiration = 30
"""


@dataclass
class Exchange:
    """The running exchange: where it listens, and what its users call it by."""

    asterisk: RealAsterisk
    udp: int
    tcp: int

    def says(self) -> str:
        """Its log so far."""
        return self.asterisk.log()

    async def call(self, user: str, number: str, caller: str) -> None:
        """Call ``number`` at the contact that ``user`` registered, and stay on the line until the other side ends it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.asterisk.ami)
        actions = (
            f"Action: Login\r\nUsername: {USER}\r\nSecret: {SECRET}\r\nEvents: off\r\n\r\n",
            f"Action: Originate\r\nChannel: PJSIP/{number}@{user}\r\nCallerID: <{caller}>\r\n"
            "Application: Wait\r\nData: 30\r\nAsync: true\r\n\r\n",
        )
        try:
            async with asyncio.timeout(10):
                for action in actions:
                    writer.write(action.encode())
                    while not (line := await reader.readline()).startswith(b"Response:"):
                        assert line, "the exchange closed its control port"
                    assert line == b"Response: Success\r\n", line
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def exchange(accounts: dict[str, tuple[str, str]]) -> AsyncIterator[Exchange]:
    """An exchange with these accounts: user -> (password, ``udp`` or ``tcp``)."""
    folder = Path(tempfile.mkdtemp(prefix="hl-ex-"))
    asterisk = RealAsterisk(folder, _DIALPLAN)
    udp, tcp = free_port(UDP_HOST), free_port(TCP_HOST, tcp=True)
    pjsip = "[global]\ntype = global\nendpoint_identifier_order = username,auth_username\n"
    for transport, host, port in (("udp", UDP_HOST, udp), ("tcp", TCP_HOST, tcp)):
        pjsip += f"[{transport}]\ntype = transport\nprotocol = {transport}\nbind = {host}:{port}\n"
    for user, (secret, transport) in accounts.items():
        pjsip += _ENDPOINT.format(user=user, secret=secret, transport=transport)
    (folder / "etc" / "pjsip.conf").write_text(pjsip, encoding="utf-8")
    modules = folder / "etc" / "modules.conf"
    more = "".join(f"load = {name}.so\n" for name in _MODULES.split())
    modules.write_text(modules.read_text(encoding="utf-8") + more, encoding="utf-8")
    try:
        await asyncio.to_thread(asterisk.start)
        yield Exchange(asterisk, udp, tcp)
    finally:
        await asyncio.to_thread(asterisk.stop)
        shutil.rmtree(folder)
