"""Places in long lists, as addresses name them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.storage.moments import NEVER
from itaca.storage.paging import Page, Place
from services.desk.places import Pager, pager, place_by_id, place_by_moment

ID = "019cd1b7-ab28-7001-b29d-0da9953f48f1"


@given(st.text(), st.text())
def test_whatever_an_address_says_it_is_a_place_or_the_beginning(after: str, before: str) -> None:
    """Nothing reaches the ledger but moments that it can hold and ids."""
    for place in (place_by_id(after, before), place_by_moment(after, before)):
        assert place is None or all(isinstance(part, int) or part.isprintable() for part in place.key)


@pytest.mark.parametrize("at", [0, 1_770_000_000_000_000, NEVER])
def test_a_place_is_read_as_it_was_written(at: int) -> None:
    """Also the one of a case in which nothing is owed."""
    assert place_by_moment(f"{at}.{ID}", "") == Place((at, ID))
    assert place_by_moment("", f"{at}.{ID}") == Place((at, ID), is_back=True)
    assert place_by_moment(f"{NEVER + 1}.{ID}", "") is None


def test_a_page_leads_to_those_beside_it_and_keeps_its_filter() -> None:
    """Back from its first line, on from its last; an empty page leads nowhere."""
    page = Page(["a", "b"], has_previous=True, has_next=True)
    ways = pager(page, lambda line: line, "/cases", kind="order", q="")
    assert ways == Pager("/cases?kind=order&before=a", "/cases?kind=order&after=b")
    assert pager(Page([]), str, "/cases") == Pager("", "")
