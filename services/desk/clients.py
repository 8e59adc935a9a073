"""From which network address a request came: the connection's, or what a proxy of ours says."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


def client_address(peer: str, forwarded: Iterable[str], proxies: Sequence[str]) -> str:
    """Return the nearest address that is no proxy of ours.

    Each proxy adds who it talked to at the right end of ``X-Forwarded-For``; what stands left of the first address
    that is not a proxy's was written by the client, and proves nothing.

    Args:
        peer: the other end of the connection.
        forwarded: the values of the header, in order.
        proxies: networks (CIDR) whose word counts.
    """
    networks = [ip_network(one) for one in proxies]
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    address = peer
    while hops and _is_among(address, networks):
        hop = hops.pop()
        if not _is_address(hop):
            break
        address = hop
    return address


def _is_among(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
