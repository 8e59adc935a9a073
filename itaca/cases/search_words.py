"""The words by which people look for a customer: those of the name, and those before the @ of the address."""

import re
import unicodedata

LONGEST = 40
MOST = 12
"""Words of one name; more is no name."""
_WORD = re.compile(r"[^\W_]{2,}")


def words_of(text: str) -> list[str]:
    """Return the words of two letters and more, folded: ``Nicolò D'Àngelo`` gives ``nicolo`` and ``angelo``."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in folded if not unicodedata.combining(char))
    return list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(bare)))[:MOST]


def words_of_address(address: str) -> list[str]:
    """Return the words before the @: a domain is shared by too many to tell them apart."""
    return words_of(address.rpartition("@")[0])
