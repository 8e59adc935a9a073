"""Where a webhook may lead: public addresses, and those private ones that were allowed by name.

A URL comes from another company, and its name may be resolved to whatever its owner likes: to our database, to the
metadata service of a cloud. What was checked is what is connected to.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from itaca.errors import PermanentError, TransientError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
_CARRIES_ANOTHER = [ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")]
"""IPv6 that stands for an IPv4 address behind a translator (RFC 6052, RFC 8215, RFC 3056, RFC 4380): not judged."""


async def resolve(host: str, port: int, allowed: Sequence[Network], is_private_only: bool = False) -> str:
    """Return an address of the host that may be connected to.

    Args:
        allowed: networks that may be reached although they are private.
        is_private_only: only these may be reached: what is sent is not encrypted.

    Raises:
        PermanentError: one of its addresses is none of the public network and was not allowed.
        TransientError: the name is not resolved now.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TransientError("the name of the webhook's host is not resolved") from error
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses or not all(may_be_reached(address, allowed, is_private_only) for address in addresses):
        raise PermanentError("the webhook leads to an address that no setting allows")
    return str(addresses[0])


def may_be_reached(address: Address, allowed: Sequence[Network], is_private_only: bool = False) -> bool:
    """Say whether a webhook may lead there."""
    plain: Address = address
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        plain = address.ipv4_mapped
    if any(plain in network for network in allowed if network.version == plain.version):
        return True
    if is_private_only or any(plain in network for network in _CARRIES_ANOTHER if network.version == plain.version):
        return False
    return plain.is_global and not plain.is_multicast and not plain.is_reserved
