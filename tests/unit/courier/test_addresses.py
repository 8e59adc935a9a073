"""Where webhooks may lead: the public network, and what was allowed by name."""

from ipaddress import ip_address, ip_network

import pytest

from itaca.errors import PermanentError, TransientError
from services.courier.addresses import may_be_reached, resolve

FORBIDDEN = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1",
    "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1",
)  # fmt: skip
PUBLIC = ("93.184.216.34", "1.1.1.1", "2606:4700:4700::1111")


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_public_is_not_reached(address: str) -> None:
    """Loopback, private, link-local, metadata services, multicast, documentation, and IPv6 that stands for IPv4."""
    assert not may_be_reached(ip_address(address), [])


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_reached_by_tls_only(address: str) -> None:
    """Without TLS not even these."""
    assert may_be_reached(ip_address(address), [])
    assert not may_be_reached(ip_address(address), [], is_private_only=True)


@pytest.mark.parametrize(("address", "reached"), [("10.1.2.3", True), ("10.2.0.1", False), ("::ffff:10.1.0.1", True)])
def test_an_allowed_network_is_reached(address: str, reached: bool) -> None:
    """Exactly the one that was named, however its address is written."""
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    assert may_be_reached(ip_address(address), allowed, is_private_only=True) is reached


async def test_a_name_that_leads_home_is_refused() -> None:
    """Names are resolved and every address is judged; what is no name is tried again later."""
    with pytest.raises(PermanentError, match="no setting allows"):
        await resolve("localhost", 443, [])
    assert await resolve("127.0.0.1", 443, [ip_network("127.0.0.0/8")]) == "127.0.0.1"
    with pytest.raises(TransientError, match="not resolved"):
        await resolve("a" * 70 + ".invalid", 443, [])
