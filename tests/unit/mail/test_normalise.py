"""Evasions are undone before the classifier looks, and leave a trace."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.mail.normalise import normalise


@pytest.mark.parametrize(
    ("tricked", "plain"),
    [
        ("re\u200bcla\u00admo", "reclamo"),
        ("ｒｅｃｌａｍｏ", "reclamo"),
        ("𝐫𝐞𝐜𝐥𝐚𝐦𝐨", "reclamo"),
        ("rесlаmo", "reclamo"),
        ("\u202eomalcer\u202c", "omalcer"),
        ("perche\u0301", "perché"),
        ("Москва", "Москва"),
        ("La mia сасса è qui da un anno", "La mia cacca è qui da un anno"),
        ("Ho scritto a Москва ieri e oggi", "Ho scritto a Москва ieri e oggi"),
        ("ʀᴇᴄʟᴀᴍᴏ", "reclamo"),
        ("🅡🅔🅒🅛🅐🅜🅞", "reclamo"),
        ("ᎡᎬᏟᏞᎪᎷ", "RECLAM"),
        ("un r e c l a m o vero", "un reclamo vero"),
        ("r.e.c.l.a.m.o", "reclamo"),
        ("la S.p.A. e la U.S.A.", "la S.p.A. e la U.S.A."),
        ("a b c", "a b c"),
        ("αβγ", "αβγ"),
    ],
)
def test_tricks_are_undone(tricked: str, plain: str) -> None:
    """Invisible characters, other widths, borrowed and spaced letters vanish; words of other scripts stay."""
    assert normalise(tricked).text == plain


def test_tricks_leave_a_trace() -> None:
    """The share of invisible characters and the use of lookalikes are reported."""
    assert normalise("r\u200be\u200bc\u200bl\u200ba\u200bm\u200bo").invisible_share > 0.4
    assert normalise("rесlаmo").has_lookalikes
    assert not normalise("perché").has_lookalikes


def test_lm13_runs_of_combining_marks_take_no_time() -> None:
    """Ordering 200,000 marks on one letter would cost minutes; they are thinned first."""
    start = time.process_time()
    normalise("a" + "\u0315\u0300" * 100_000)
    assert time.process_time() - start < 4.0


@given(st.text(max_size=100))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """The normaliser is idempotent."""
    once = normalise(text).text
    assert normalise(once).text == once
