"""Carriers that want a password, and carriers at which we sign on: by digest and by outgoing registration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from hotline.city import City
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import Leg, SeatLogin
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_trunks.caller import raw_caller
from tests.switch_trunks.exchange import TCP_HOST, UDP_HOST, Exchange, exchange

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

DIGEST_HOST, ANYWHERE = "127.8.0.33", "127.8.0.34"
ACCOUNTS = {"037112345": ("pass-of-udp", "udp"), "037162912345": ("pass-of-tcp", "tcp")}
SECRETS = {
    "asks": "pass-of-asks",
    "branch": "pass-of-branch",
    "signs-on": "wrong at first",
    "over-tcp": "pass-of-tcp",
}

MORE = """
[[trunks]]
name = "asks"
carrier = "a carrier that has an address and a password"
address = ["{digest}"]
channels = 10
auth = "digest"
user = "asks-user"
secret = {{ file = "{home}/asks" }}

[[trunks]]
name = "branch"
carrier = "a sub-centre at no fixed address"
address = []
channels = 10
auth = "digest"
user = "0371-branch"
secret = {{ file = "{home}/branch" }}

[[trunks]]
name = "signs-on"
carrier = "a carrier at which we register"
address = ["{udp}"]
channels = 10
auth = "registration"
user = "037112345"
secret = {{ file = "{home}/signs-on" }}

[[trunks]]
name = "over-tcp"
carrier = "another one, over TCP"
address = ["{tcp}"]
channels = 10
transport = "tcp"
auth = "registration"
user = "037162912345"
secret = {{ file = "{home}/over-tcp" }}

[[lines]]
number = "12377"
name = "over UDP"
department = "test"
treatment = "subcentre"
route = "signs-on"

[[lines]]
number = "12378"
name = "over TCP"
department = "test"
treatment = "subcentre"
route = "over-tcp"
"""


@dataclass
class Scene:
    """The town, the exchange at which it registers, and where the passwords lie."""

    here: Town
    far: Exchange
    home: Path

    async def call(self, number: str, host: str = "127.8.0.13", login: SeatLogin | None = None) -> Leg:
        """One call, given up after 3 s of ringing."""
        plan = Plan(1, 1, (Dialled(number),), rings_s=Fixed(3), patience_s=Fixed(20))
        with Carrier(host, switch=self.here.sip, login=login, first_caller=self.next_caller()) as carrier:
            (leg,) = (await carrier.place(plan)).legs
        return leg

    def next_caller(self) -> int:
        """A number of nobody else's."""
        self.callers = getattr(self, "callers", 13_900_000_000) + 1
        return self.callers

    async def state(self, trunk: str) -> str:
        """What the switch says of a registration."""
        lines = (await self.here.platform.switch.console("pjsip show registrations")).splitlines()
        return next(line for line in lines if f"{trunk}-registration" in line)

    async def until_state(self, trunk: str, word: str) -> None:
        """Wait until the registration is in this state."""
        async with asyncio.timeout(15):  # Asterisk spreads the first registrations over ten seconds
            while word not in await self.state(trunk):  # noqa: ASYNC110 (its console tells no news)
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    home = tmp_path_factory.mktemp("secrets")
    for name, secret in SECRETS.items():
        (home / name).write_text(secret + "\n")
    async with AsyncExitStack() as stack:
        far = await stack.enter_async_context(exchange(ACCOUNTS))
        text = moved(city_text("zhengzhou")) + MORE.format(
            home=home, digest=DIGEST_HOST, udp=f"{UDP_HOST}:{far.udp}", tcp=f"{TCP_HOST}:{far.tcp}"
        )
        here = await stack.enter_async_context(town(City.read(text, "zhengzhou")))
        here.end_wrap_up_at_once()
        phones = Phones(here.logins(["8001"]), here.sip, manner=Manner(talk_s=Fixed(0.2)))
        await stack.enter_async_context(phones)
        await here.sign_on(phones, [("8001", "1001")])
        yield Scene(here, far, home)


async def test_a_carrier_with_the_right_password_is_answered_by_a_seat(scene: Scene) -> None:
    leg = await scene.call("12345", DIGEST_HOST, SeatLogin("asks-user", SECRETS["asks"]))
    record = await scene.here.record_of(leg.caller)
    assert (record.trunk, record.disposition, record.seat) == ("asks", "answered", "8001")


@pytest.mark.parametrize("login", [("asks-user", "wrong"), ("8001", "wrong"), ("branch", "pass-of-branch")])
async def test_a_carrier_with_a_wrong_password_reaches_nothing(scene: Scene, login: tuple[str, str]) -> None:
    caller = str(scene.next_caller())
    async with raw_caller(DIGEST_HOST, scene.here.sip, caller, "12345", SeatLogin(*login)) as raw:
        assert await raw.dial() == 401
    assert not [event for event, _ in scene.here.events if getattr(event, "caller", "") == caller]


async def test_a_sub_centre_is_known_by_its_user_whatever_its_trunk_is_called(scene: Scene) -> None:
    caller, right = str(scene.next_caller()), SeatLogin("0371-branch", SECRETS["branch"])
    async with raw_caller(ANYWHERE, scene.here.sip, caller, "12315", right) as raw:
        assert await raw.dial() == 200
        await raw.over.wait()
    record = await scene.here.record_of(caller)
    assert (record.trunk, record.line, record.disposition) == ("branch", "12315", "answered")
    wrong = SeatLogin("0371-branch", "wrong")
    async with raw_caller(ANYWHERE, scene.here.sip, str(scene.next_caller()), "12345", wrong) as raw:
        assert await raw.dial() == 401


async def test_a_refused_registration_goes_through_as_soon_as_the_password_is_right(scene: Scene) -> None:
    platform = scene.here.platform
    await scene.until_state("signs-on", "Rejected")
    await scene.until_state("over-tcp", "Registered")
    (scene.home / "signs-on").write_text("pass-of-udp\n")
    await platform.reload(platform.city)
    await scene.until_state("signs-on", "Registered")
    await scene.until_state("over-tcp", "Registered")  # it is asked to register anew as well


async def test_a_carrier_calls_at_the_contact_that_we_registered(scene: Scene) -> None:
    callers = {"signs-on": str(scene.next_caller()), "over-tcp": str(scene.next_caller())}
    for trunk in callers:
        await scene.until_state(trunk, "Registered")
    await scene.far.call("037112345", "12345", callers["signs-on"])
    await scene.far.call("037162912345", "12315", callers["over-tcp"])
    records = {trunk: await scene.here.record_of(caller, 20) for trunk, caller in callers.items()}
    told = {trunk: (record.trunk, record.line, record.disposition) for trunk, record in records.items()}
    assert told == {
        "signs-on": ("signs-on", "12345", "answered"),
        "over-tcp": ("over-tcp", "12315", "answered"),
    }


@pytest.mark.parametrize(
    ("number", "user", "trunk"), [("12377", "037112345", "signs-on"), ("12378", "037162912345", "over-tcp")]
)
async def test_a_call_goes_out_over_a_carrier_that_asks_for_our_password(
    scene: Scene, number: str, user: str, trunk: str
) -> None:
    await scene.until_state(trunk, "Registered")
    leg = await scene.call(number)
    record = await scene.here.record_of(leg.caller)
    assert leg.answered is not None
    assert (record.disposition, record.passed_to) == ("passed", number)
    says = scene.far.says()
    assert f"asked for {number} by {leg.caller} of {user}" in says, [
        x for x in says.splitlines() if "asked" in x
    ]
