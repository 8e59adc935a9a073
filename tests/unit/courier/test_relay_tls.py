"""TLS on the way to the relay: used where it is offered, trusted only where somebody insists on it."""

from pathlib import Path

import pytest

from itaca.errors import TransientError
from services.courier.doors import RelayDoor
from services.courier.settings import CourierSettings
from tests.support.ingest import listening, make_certificate
from tests.unit.courier.test_doors import ENTRY, TO, letter


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give what Debian's Postfix begins with: a certificate that nobody has signed but itself."""
    return make_certificate(tmp_path_factory.mktemp("relay"))


async def deliver(port: int, **settings: object) -> None:
    fields = {"relay_host": "127.0.0.1", "relay_port": port, **settings}
    await RelayDoor(CourierSettings.model_validate(fields)).deliver(ENTRY, letter(), "", TO)


async def test_a_relay_with_a_certificate_of_its_own_making_gets_the_mail(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    """Unless somebody insists, TLS that nobody vouches for is better than none, and no mail waits for it."""
    async with listening(tmp_path, tls_certificate=certificate[0], tls_key=certificate[1]) as door:
        await deliver(door.port)
    assert len(door.ledger.mails) == 1


@pytest.mark.parametrize("settings", [{"relay_starttls": True}, {"relay_user": "itaca", "relay_password": "x"}])
async def test_who_insists_or_says_a_password_wants_a_valid_certificate(
    tmp_path: Path, certificate: tuple[Path, Path], settings: dict[str, object]
) -> None:
    """Nothing is said to whoever merely claims to be the relay, and the reason is named."""
    async with listening(tmp_path, tls_certificate=certificate[0], tls_key=certificate[1]) as door:
        with pytest.raises(TransientError, match="certificate"):
            await deliver(door.port, **settings)
    assert door.ledger.mails == []
