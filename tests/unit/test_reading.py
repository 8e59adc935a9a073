"""What the shared settings tell the reader of mail."""

from pathlib import Path

import pytest

from itaca.errors import ConfigurationError
from itaca.mail.entity_patterns import default_patterns
from itaca.reading import reading_rules
from itaca.settings import SharedSettings, load


def test_our_own_names_reach_the_reader_in_lower_case() -> None:
    """Addresses, domains, forwarders and trusted hosts are compared without regard to case."""
    environ = {
        "ITACA_OWN_DOMAINS": "Shop.example",
        "ITACA_OWN_ADDRESSES": "Negozio@gmail.com",
        "ITACA_KNOWN_FORWARDERS": "Modulo@Sito.example",
        "ITACA_TRUSTED_AUTHSERV_IDS": "MX.shop.example",
    }
    rules = reading_rules(load(SharedSettings, environ))
    assert rules.is_own("chiunque@shop.example")
    assert rules.is_own("negozio@gmail.com")
    assert rules.known_forwarders == {"modulo@sito.example"}
    assert rules.trusted_authserv_ids == {"mx.shop.example"}
    assert rules.patterns == default_patterns()


def test_a_file_of_patterns_that_cannot_be_used_is_a_configuration_error(tmp_path: Path) -> None:
    """The problem is told at the start, not mail by mail."""
    path = tmp_path / "codes.toml"
    path.write_text('[[pattern]]\nkind = "nonsense"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="kind must be one of"):
        reading_rules(load(SharedSettings, {"ITACA_ENTITIES_FILE": str(path)}))
