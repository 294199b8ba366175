"""A city as a drill holds it: the same numbers, queues and people, with everything else on this machine.

What is changed, and nothing else: the switch listens on a free port of the loopback; every trunk's other side is an
address of the loopback, over UDP, without a password and in G.711 A-law (the carrier's own part is rehearsed with the
carrier); seats' phones likewise; nobody writes after a call; every PIN is the drill's.
"""

from __future__ import annotations

from hotline.city import City
from hotline.pins import DEMO_PIN, hash_pin
from hotline.rehearsal.process_live import free_port

EASTWARD = "127.38.9"
"""the loopback network of a drill's carriers and far ends, unless another is given"""


def for_drill(city: City, net: str = EASTWARD) -> City:
    """The city on this machine."""
    file = city.file
    port = free_port("127.0.0.1")
    trunks = []
    for place, table in enumerate(file.trunks):
        host = f"{net}.{place + 1}"
        here = {
            "address": [f"{host}:{free_port(host)}"],
            "transport": "udp",
            "srtp": False,
            "auth": "address",
            "user": None,
            "secret": None,
            "realm": "",
            "server": "",
            "codecs": ["alaw"],
            "from_user": "",
            "from_domain": "",
            "qualify_seconds": 5,
            "nat": False,
        }
        trunks.append(table.model_copy(update=here))
    phone = {"transport": "udp", "srtp": False, "codecs": ["alaw"], "nat": False, "auto_answer": False}
    seats = [table.model_copy(update=phone) for table in file.seats]
    queues = [queue.model_copy(update={"wrap_up_seconds": 0.0}) for queue in file.queues]
    network = file.network.model_copy(
        update={
            "bind": "127.0.0.1",
            "udp": port,
            "tcp": 0,
            "tls": 0,
            "external_address": "",
            "local_nets": [],
        }
    )
    changed = file.model_copy(update={"trunks": trunks, "seats": seats, "queues": queues, "network": network})
    pin = hash_pin(DEMO_PIN)
    return City(city.name, changed, dict.fromkeys(city.pins, pin), city.home)
