"""What people do with cases at the desk on SQLite, in a file."""

from tests.contract.aside_contract import ClocksAtTheDeskContract
from tests.contract.merging_contract import MergingContract
from tests.contract.returned_contract import ReturnedContract
from tests.contract.reviewing_contract import ReviewingContract
from tests.contract.splitting_contract import SplittingContract
from tests.contract.undoing_contract import UndoingContract


class TestMerging(MergingContract):
    """Mergers on SQLite."""


class TestReturned(ReturnedContract):
    """Answers that come back on SQLite."""


class TestReviewing(ReviewingContract):
    """Mails decided about on SQLite."""


class TestSplitting(SplittingContract):
    """Splits on SQLite."""


class TestUndoing(UndoingContract):
    """Acts taken back on SQLite."""


class TestClocksAtTheDesk(ClocksAtTheDeskContract):
    """Cases put aside on SQLite."""
