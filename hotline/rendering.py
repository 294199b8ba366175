"""``hotline render``: every file that a city needs outside the engine, in one directory."""

from __future__ import annotations

from pathlib import Path

from hotline.city import City
from hotline.platform import Place, keep_all_secrets
from hotline.switch.config import render_tree
from hotline.switch.find import find_asterisk
from hotline.switch.secrets import write_private
from trunks.provisioning import PhoneNetwork, render_provisioning
from trunks.trunk import Transport


def render_city(city: City, out: Path) -> list[str]:
    """Write Asterisk's tree to ``out/etc`` and the phones' files to ``out/phones``; the names of the files."""
    out = out.absolute()
    place = Place(out)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets = keep_all_secrets(city, place)
    settings = place.settings(city)
    files = {
        f"etc/{name}": text
        for name, text in render_tree(settings, find_asterisk(), city.trunks(), city.seats(), secrets).items()
    }
    network = city.network()
    ports = {kind: port for kind in Transport if (port := network.port(kind)) is not None}
    phones = render_provisioning(
        city.seats(), secrets, PhoneNetwork(network.external_address or network.bind, ports)
    )
    files |= {f"phones/{name}": text for name, text in phones.items()}
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, text)
    return sorted(files)
