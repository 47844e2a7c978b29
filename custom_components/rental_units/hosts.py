"""Addresses on the web that somebody else may name: not ours, and not of the house's network."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from yarl import URL

type Ip = IPv4Address | IPv6Address

#: Addresses of IPv4 in IPv6's clothes (RFC 6052), beside those that Python knows.
_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Return if an IP address is one of the internet: no loopback, link or private range."""
    ip: Ip = ip_address(text.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            ip = IPv4Address(int(ip) & 0xFFFF_FFFF)
        else:
            ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast


def are_public(addresses: Iterable[str]) -> bool:
    """Return if all of what a name stands for is public; nothing is not."""
    found = [is_public(address) for address in addresses]
    return bool(found) and all(found)


def may_be_public(url: str) -> bool:
    """Return if the host of a URL could be public, as far as that is seen without asking.

    Numbers as browsers take them (2130706433, 0x7f.1) are hosts of ours in disguise.
    """
    host = (URL(url).host or "").rstrip(".").casefold()
    if not host or host == "localhost" or host.endswith((".localhost", ".local")):
        return False
    try:
        return is_public(host)
    except ValueError:
        last = host.rpartition(".")[2]
        return not (last.isdigit() or last.startswith("0x"))
