"""The URL of the ledger."""

import pytest

from itaca.errors import ConfigurationError
from itaca.storage.address import database_url
from itaca.storage.migrate import upgrade
from itaca.storage.open import open_database


@pytest.mark.parametrize("url", ["sqlite:///var/x.db", "sqlite://", "postgresql+asyncpg://u:p@h:5/n"])
def test_known_kinds_are_read(url: str) -> None:
    """The three spellings of the manual are accepted."""
    assert database_url(url).render_as_string(hide_password=False) == url


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://u:geheim@h/n", "postgresql://u:geheim@h/n", "redis://geheim"]
)
async def test_other_kinds_are_refused_without_repeating_them(url: str) -> None:
    """Anything else is a problem by the variable's name, and its password is shown nowhere."""
    for attempt in (open_database, upgrade):
        with pytest.raises(ConfigurationError, match="ITACA_DATABASE_URL") as caught:
            await attempt(url)
        assert "geheim" not in str(caught.value)
