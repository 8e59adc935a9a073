"""What people do with cases at the desk on PostgreSQL."""

import pytest

from tests.contract.aside_contract import ClocksAtTheDeskContract
from tests.contract.merging_contract import MergingContract
from tests.contract.returned_contract import ReturnedContract
from tests.contract.reviewing_contract import ReviewingContract
from tests.contract.splitting_contract import SplittingContract
from tests.contract.undoing_contract import UndoingContract

pytestmark = pytest.mark.postgres


class TestMerging(MergingContract):
    """Mergers on PostgreSQL."""


class TestReturned(ReturnedContract):
    """Answers that come back on PostgreSQL."""


class TestReviewing(ReviewingContract):
    """Mails decided about on PostgreSQL."""


class TestSplitting(SplittingContract):
    """Splits on PostgreSQL."""


class TestUndoing(UndoingContract):
    """Acts taken back on PostgreSQL."""


class TestClocksAtTheDesk(ClocksAtTheDeskContract):
    """Cases put aside on PostgreSQL."""
