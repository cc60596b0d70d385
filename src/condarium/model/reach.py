"""Which places a server's users may have it ask: a rule on addresses, and nothing else.

A server stands where its users do not: beside databases, metadata services and machines that trust
their network. So what users name may be a public address, and of the others those that whoever
keeps the server has allowed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from pathlib import PurePath

Address = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")
_ODD = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10")))
"""What not every Python knows to be no public addresses: protocols' own, relays', sites'."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What may be reached beside public addresses.

    `hosts` are names, in lower case, and ports, None for any; `networks` are addresses, and
    `folders` those of this machine that may be read as channels.
    """

    everything: bool = False
    hosts: tuple[tuple[str, int | None], ...] = ()
    networks: tuple[tuple[IPv4Network | IPv6Network, int | None], ...] = ()
    folders: tuple[PurePath, ...] = ()

    def allows(self, host: str, port: int, address: str) -> bool:
        """Whether a connection to one of a host's addresses may be made."""
        if self.everything or any(
            name == host.lower() and of in (None, port) for name, of in self.hosts
        ):
            return True
        meant = set(_meant(ip_address(address.partition("%")[0])))
        return all(is_public(each) or self._has(each, port) for each in meant)

    def allows_folder(self, path: PurePath) -> bool:
        """Whether a folder, whose links have been followed, may be read."""
        return self.everything or any(path.is_relative_to(each) for each in self.folders)

    def _has(self, address: Address, port: int) -> bool:
        return any(
            address.version == network.version and address in network and of in (None, port)
            for network, of in self.networks
        )


EVERYWHERE = Reach(everything=True)


def is_public(address: Address) -> bool:
    """Whether an address is the internet's: none of a network's own, and nobody's multicast."""
    odd = any(address in each for each in _ODD if each.version == address.version)
    return address.is_global and not (address.is_multicast or address.is_reserved or odd)


def _meant(address: Address) -> Iterator[Address]:
    """The address, and those of IPv4 that an address of IPv6 leads to."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
        return
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
        return
    yield address
    yield from (each for each in (address.sixtofour, *(address.teredo or ())) if each)
