"""City: one validated configuration of everything, made from a city file.

```python
city = City.load("zhengzhou")                       # or a path to a TOML file of one's own
decision = city.plan.route("12315", (), "unicom", now_ms)
```
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from acd.setup import Setup
from dialplans.hotline import Phase
from dialplans.plan import NumberPlan
from hotline import (
    city_build,
    city_callers,
    city_checks,
    city_recording,
    city_service,
    city_sms,
    city_speech,
    city_waiting,
    cutovers,
)
from hotline.city_faults import CityFault, near, syntax_fault, value_faults
from hotline.city_schema import CityFile, keys
from hotline.pins import pin_fault, pin_matches
from hotline.recordings_keeper import Keeping
from hotline.sms_provider import Settings
from trunks.pjsip import Network
from trunks.seats import Seat
from trunks.trunk import Trunk, TrunkGroup

__all__ = ["City", "CityFault"]

# Compared when nobody has the agent's number, so that the answer takes as long.
_NOBODY = "scrypt$8192$8$1$bm9ib2R5IGlzIGhlcmU=$ujcwvHTRfuvuehUsiRd93Cdl+qByRJUej3+b04Y1JnM="
_BUILT_IN = resources.files("dialplans") / "cities"


@dataclass(frozen=True)
class City:
    """A city whose file has no fault. ``name`` is the file's without its ending, ``title`` for people."""

    name: str
    file: CityFile
    pins: Mapping[str, str] = field(repr=False)
    home: Path | None = None

    @classmethod
    def load(cls, name_or_path: str | Path) -> City:
        """A built-in city by its name, or a TOML file by its path. Raises `CityFault` with every fault."""
        text, name, shown, home = _source(name_or_path)
        return cls.read(text, name, shown, home)

    @classmethod
    def read(cls, text: str, name: str, shown: str | None = None, home: Path | None = None) -> City:
        """A city from its file's text. ``shown`` names it in faults; ``home`` is where its own files lie."""
        shown = shown or f"{name}.toml"
        try:
            file = CityFile.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise CityFault([f"{shown}: {syntax_fault(error)}"]) from None
        except ValidationError as error:
            raise CityFault([f"{shown}: {fault}" for fault in value_faults(error, keys())]) from None
        cutover_faults = cutovers.faults(file)
        file = cutovers.resolved(file)
        faults = cutover_faults or city_checks.faults(file)
        pins, pin_faults = _pins(file, home)
        faults += pin_faults
        if not faults:
            city = cls(name, file, pins, home)
            faults += city._parts_faults()
        if faults:
            raise CityFault([f"{shown}: {fault}" for fault in faults])
        return city

    @staticmethod
    def built_in() -> tuple[str, ...]:
        """The names of the cities that come with the program."""
        files = (entry.name for entry in _BUILT_IN.iterdir())
        return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))

    @property
    def title(self) -> str:
        """The hotline's full name, in Chinese."""
        return self.file.title

    @property
    def area(self) -> str:
        """The home area code with its 0."""
        return self.file.area

    @cached_property
    def plan(self) -> NumberPlan:
        """What every number means."""
        return city_build.number_plan(self.file)

    def setup(self) -> Setup:
        """The city as the engine sees it."""
        return city_build.setup(self.name, self.file, self.plan)

    def trunks(self) -> tuple[Trunk, ...]:
        """The lines to carriers and centres, in the file's order."""
        return tuple(city_build.trunk(table) for table in self.file.trunks)

    def groups(self) -> tuple[TrunkGroup, ...]:
        """The trunk groups with their order of failover."""
        return tuple(TrunkGroup(table.name, tuple(table.trunks)) for table in self.file.groups)

    def seats(self) -> tuple[Seat, ...]:
        """The phones at the desks, in the file's order."""
        return city_build.seats(self.file.seats)

    def keeping(self) -> Keeping:
        """How much of the disk stays free of recordings, and how long one is kept."""
        return city_recording.keeping(self.file)

    def sms(self) -> Settings | None:
        """The provider of SMS; ``None`` where the city has none. Raises `CityFault` for a secret that can't be had."""
        if self.file.sms is None:
            return None
        return city_sms.settings(self.file.sms, self.home, f"{self.name}.toml")

    def network(self) -> Network:
        """Where the switch listens for phones and carriers."""
        return city_build.network(self.file.network)

    def prompts(self) -> list[str]:
        """Every distinct text that a caller may hear, in a stable order."""
        return list(dict.fromkeys(self._texts()))

    def pin_matches(self, agent: str, pin: str) -> bool:
        """Whether this is the agent's PIN; an unknown agent takes as long as a known one."""
        stored = self.pins.get(agent)
        matches = pin_matches(stored or _NOBODY, pin)
        return matches and stored is not None

    def carrier_secrets(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """Carriers' passwords under the names by which `Digest` asks for them (``trunk/unicom``).

        Raises `CityFault` for an environment variable that isn't set or a file that can't be read.
        """
        environ = os.environ if environ is None else environ
        found: dict[str, str] = {}
        faults: list[str] = []
        for place, trunk in enumerate(self.file.trunks):
            where = f"{self.name}.toml: trunks[{place}].secret"
            secret = trunk.secret
            if secret is not None and secret.env is not None:
                found[f"trunk/{trunk.name}"] = environ.get(secret.env, "")
                if not environ.get(secret.env):
                    faults.append(f"{where}: the environment variable {secret.env} isn't set: set it")
            elif secret is not None and secret.file is not None:
                path = (self.home or Path()) / secret.file
                try:
                    found[f"trunk/{trunk.name}"] = path.read_text(encoding="utf-8").strip()
                except (OSError, UnicodeError) as error:
                    faults.append(
                        f"{where}: {path} can't be read ({_short(error)}): write the password there"
                    )
        if faults:
            raise CityFault(faults)
        return found

    def _texts(self) -> Iterator[str]:
        yield from city_waiting.texts(self.file)
        yield from city_speech.texts(self.file)
        for queue in self.file.queues:
            yield from queue.greeting
            yield from queue.full_notice
        yield from self.file.routing.overload_notice
        if self.plan.own.menu_prompt:
            yield self.plan.own.menu_prompt
        yield from city_service.texts(self.file)
        if self.file.recording.notice:
            yield self.file.recording.notice
        yield from self.plan.unknown.notices
        for phase in self._phases():
            yield from phase.notices
            yield from phase.told or ()
            yield from phase.farewell

    def _phases(self) -> Iterator[Phase]:
        for line in self.plan.lines:
            yield from line.phases
        yield from self.plan.unknown.phases

    def _parts_faults(self) -> list[str]:
        """What the trunks' and seats' own rooms have against them."""
        faults: list[str] = []
        try:
            self.network()
        except ValueError as fault:
            faults.append(str(fault))
        for place, table in enumerate(self.file.trunks):
            try:
                city_build.trunk(table)
            except ValueError as fault:
                faults.append(f"trunks[{place}]: {fault}")
        for place, row in enumerate(self.file.seats):
            try:
                city_build.seats([row])
            except ValueError as fault:
                faults.append(f"seats[{place}]: {fault}")
        faults += city_service.barred_faults(self.file, self.plan)
        faults += city_callers.widening_faults(self.plan)
        return faults


def _source(name_or_path: str | Path) -> tuple[str, str, str, Path | None]:
    """Text, name, name for faults, and folder of a city file."""
    asked = str(name_or_path)
    if asked in City.built_in():
        return (_BUILT_IN / f"{asked}.toml").read_text(encoding="utf-8"), asked, f"{asked}.toml", None
    path = Path(name_or_path)
    if not path.suffix and not path.exists() and os.sep not in asked:
        listed = ", ".join(City.built_in())
        remedy = near(asked, City.built_in(), f"write one of {listed}, or a path to a TOML file")
        raise CityFault([f"{asked}: no built-in city has this name: {remedy}"])
    try:
        return path.read_text(encoding="utf-8-sig"), path.stem, path.name, path.parent
    except OSError as error:
        raise CityFault([f"{asked}: can't be read ({_short(error)}): give the path of a city file"]) from None
    except UnicodeError:
        raise CityFault([f"{asked}: is not text in UTF-8: save it as UTF-8"]) from None


def _pins(file: CityFile, home: Path | None) -> tuple[dict[str, str], list[str]]:
    """Every agent's stored hash. A ``pin_file`` has one ``AGENT HASH`` a line, and ``#`` comments."""
    pins: dict[str, str] = {}
    faults: list[str] = []
    for place, table in enumerate(file.agents):
        agents = [agent.agent for agent in city_build.people(table)]
        if table.pin_hash is not None:
            pins.update(dict.fromkeys(agents, table.pin_hash))
        elif table.pin_file is not None:
            found, more = _pin_file((home or Path()) / table.pin_file, agents)
            pins.update(found)
            faults += [f"agents[{place}].pin_file: {fault}" for fault in more]
        pins.update({person.agent: person.pin_hash for person in table.people if person.pin_hash is not None})
    return pins, faults


def _pin_file(path: Path, agents: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        return {}, [f"{path} can't be read ({_short(error)}): write it, one AGENT HASH a line"]
    pins: dict[str, str] = {}
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        agent, _, stored = line.partition("#")[0].strip().partition(" ")
        if not agent:
            continue
        if agent not in agents:
            faults.append(f"line {number} of {path.name}: {agent} is not in this group: take it out")
        elif fault := pin_fault(stored.strip()):
            faults.append(f"line {number} of {path.name}: {fault}")
        pins[agent] = stored.strip()
    missing = [agent for agent in agents if agent not in pins]
    if missing and not faults:
        faults.append(f"{path.name} has no line for {missing[0]} and {len(missing) - 1} more: add them")
    return pins, faults


def _short(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
