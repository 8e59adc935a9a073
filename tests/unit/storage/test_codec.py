"""Packing raw mail and making text storable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.errors import PermanentError
from itaca.storage.codec import CODEC, compress, decompress, storable


@given(st.binary(max_size=5_000))
def test_any_bytes_come_back(raw: bytes) -> None:
    """Packing and unpacking gives the same bytes."""
    assert decompress(CODEC, compress(raw)) == raw


def test_damage_is_noticed() -> None:
    """Bytes that are no frame, or a codec of the future, are a PermanentError and never a wrong mail."""
    packed = compress(b"mail" * 100)
    for codec, damaged in ((CODEC, packed[:-3]), (CODEC, b"nothing"), ("brotli", packed)):
        with pytest.raises(PermanentError):
            decompress(codec, damaged)


@given(st.text(st.characters(codec=None)))
def test_storable_text_has_no_nul_and_no_lone_surrogate(text: str) -> None:
    """Whatever comes in can be encoded and holds no NUL; ordinary text is unchanged."""
    kept = storable(text)
    assert "\x00" not in kept.encode().decode()
    if text.isprintable():
        assert kept == text
