"""Where a city's platform keeps its things, and what is made there once."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from hotline import city_speech, city_waiting
from hotline.city import City
from hotline.speech_words import Settings
from hotline.switch.config import AMI_SECRET, SwitchSettings
from hotline.switch.secrets import Secrets, keep_secrets


@dataclass(frozen=True, slots=True)
class Place:
    """Where a city's platform keeps its things: everything lies under ``home``."""

    home: Path
    journal: str | None = None
    records: str | None = None
    ami_port: int = 5038
    agi_port: int = 4573

    @property
    def secrets(self) -> Path:
        """Passwords of seats, of the control port and of carriers."""
        return self.home / "secrets"

    def settings(self, city: City) -> SwitchSettings:
        """Where the switch lives and listens."""
        return SwitchSettings(
            survival=survival_command(),
            directory=self.home / "switch",
            sounds=self.home / "sounds",
            network=city.network(),
            ami_port=self.ami_port,
            agi_port=self.agi_port,
            music=city_waiting.music(city.file),
        )

    def speech(self, city: City) -> Settings | None:
        """What the speech process is started with; ``None`` where the city has none."""
        return city_speech.settings(
            city.file,
            city.home,
            city=city.name,
            records=self.records or str(self.home / "records.sqlite"),
            sounds=self.home / "sounds",
            recordings=(self.home / "recordings",),
        )


def survival_command() -> tuple[str, ...]:
    """How Asterisk starts the survival program. Without site, and with named folders, Python starts in half the time."""
    found = (importlib.util.find_spec(name) for name in ("ivr", "asterisk", "msgspec"))
    places = {Path(spec.origin).parent.parent for spec in found if spec is not None and spec.origin}
    start = f"import sys; sys.path[:0] = {sorted(map(str, places))!r}; from ivr.survival_live import main; main(sys.argv[1])"
    return sys.executable, "-IS", "-c", start


def keep_all_secrets(city: City, place: Place) -> Secrets:
    """The passwords that this city needs: a carrier's from where the city file says, all others made once."""
    carriers = city.carrier_secrets()
    made = keep_secrets(place.secrets, [AMI_SECRET, *(seat.secret for seat in city.seats())])
    return Secrets({**made, **carriers})


def digest_of(city: City) -> str:
    """A short digest of the city's configuration."""
    return hashlib.sha256(city.file.model_dump_json().encode()).hexdigest()[:16]
