"""How long to wait between attempts to sign in: the more of them failed, the longer."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from condarium.model.access.names import folded

FORGOTTEN = timedelta(hours=1)
"""Failures count until there was none for so long."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """`free` failures cost nothing; each one after that doubles the wait, up to `longest`.

    >>> Patience(free=5).wait(7)
    datetime.timedelta(seconds=4)
    """

    free: int
    longest: timedelta = timedelta(minutes=5)

    def wait(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row."""
        if failures < self.free:
            return timedelta()
        return min(self.longest, timedelta(seconds=2 ** min(failures - self.free, 30)))

    def due(self, failures: int, last_at: datetime, now: datetime) -> timedelta:
        """How long there is to wait yet."""
        return max(timedelta(), last_at + self.wait(failures) - now)


KNOWN = timedelta(days=90)
"""For so long is a network known to somebody who signed in from there."""
PER_NAME = Patience(free=5)
"""From a network that somebody is known from, and from all others together."""
PER_ADDRESS = Patience(free=20)
"""Many people may share an address, and one person has one name."""


def name_key(name: str) -> str:
    """What attempts at a name are counted under: a digest, for people type passwords there too."""
    return f"name {sha256(folded(name).encode(errors='surrogatepass')).hexdigest()}"


def known_key(name: str, address: str) -> str:
    """What is noted where somebody of this name has signed in from the network."""
    return f"known {_pair(name, address)}"


def from_known_key(name: str, address: str) -> str:
    """What attempts at a name are counted under from a network that is known so."""
    return f"from {_pair(name, address)}"


def address_key(address: str) -> str:
    """What attempts from an address are counted under.

    >>> address_key("2001:db8::7")
    'address 2001:db8::/64'
    """
    return f"address {network_of(address)}"


def network_of(address: str) -> str:
    """What one machine's owner has at least: an IPv4 address, or an IPv6 network of 64 bits."""
    with suppress(ValueError):
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address):
            return str(ip_network((parsed, 64), strict=False))
    return address


def _pair(name: str, address: str) -> str:
    text = f"{folded(name)}\n{network_of(address)}"
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
