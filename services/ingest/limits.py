"""What bounds the door: connections in all and per client, bytes in hand, free space on the disk."""

from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from itaca.clock import Clock

_LOOK_EVERY_S = 0.25
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parsed(host: str) -> Address | None:
    """Return the client's address, an IPv4 address mapped into IPv6 as what it is; None for what is no address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_within(address: Address | None, networks: Sequence[Network]) -> bool:
    """Say whether one of the networks holds the address."""
    return address is not None and any(address in network for network in networks)


class Connections:
    """Counts who is inside; ``exempt`` networks (the mail server in front) are bound by the total alone."""

    def __init__(self, total: int, per_client: int, exempt: Sequence[Network]) -> None:
        self._total, self._per_client, self._exempt = total, per_client, exempt
        self._inside: Counter[str] = Counter()
        self.open = 0

    def enter(self, host: str) -> bool:
        """Admit one connection, or say False; whoever was admitted must ``leave``."""
        if self.open >= self._total:
            return False
        if self._inside[host] >= self._per_client and not is_within(parsed(host), self._exempt):
            return False
        self._inside[host] += 1
        self.open += 1
        return True

    def leave(self, host: str) -> None:
        self.open -= 1
        self._inside[host] -= 1
        if not self._inside[host]:
            del self._inside[host]


class BytesInHand:
    """Caps the bytes of all mails between their first byte and their commit."""

    def __init__(self, cap_bytes: int) -> None:
        self._cap = cap_bytes
        self.used_bytes = 0

    def fits(self, announced_bytes: int) -> bool:
        """Say whether a mail of the announced size would fit now."""
        return self.used_bytes + announced_bytes <= self._cap

    def lease(self) -> "Lease":
        """Return the account of one mail, empty."""
        return Lease(self)


class Lease:
    """The bytes of one mail; whoever holds it releases it, once or more often."""

    def __init__(self, account: BytesInHand) -> None:
        self._account = account
        self._held = 0

    def grow(self, by_bytes: int) -> bool:
        """Take more; False when the cap is reached, and nothing is taken."""
        if not self._account.fits(by_bytes):
            return False
        self._account.used_bytes += by_bytes
        self._held += by_bytes
        return True

    def release(self) -> None:
        self._account.used_bytes -= self._held
        self._held = 0


class FreeSpace:
    """Says when the disk is too full to promise anything: under 1.5 times the largest mail (as Postfix's
    queue_minfree), and never under ``floor_bytes``. The disk is asked at most four times a second."""

    def __init__(self, free_bytes: Callable[[], int], size_limit_bytes: int, floor_bytes: int, clock: Clock) -> None:
        self._free_bytes = free_bytes
        self._needed = max(size_limit_bytes * 3 // 2, floor_bytes)
        self._clock = clock
        self._looked_at_s: float | None = None
        self._is_low = False

    def is_low(self) -> bool:
        now_s = self._clock.monotonic_s()
        if self._looked_at_s is None or now_s - self._looked_at_s >= _LOOK_EVERY_S:
            self._looked_at_s = now_s
            self._is_low = self._look()
        return self._is_low

    def _look(self) -> bool:
        try:
            return self._free_bytes() < self._needed
        except OSError:
            # A disk that does not answer is no disk to promise anything on.
            return True
