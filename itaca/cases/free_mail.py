"""Mail domains shared by strangers: having one in common proves nothing about two writers."""

from functools import cache
from importlib.resources import files


@cache
def free_mail_domains() -> frozenset[str]:
    """Return the domains of ``free_mail.txt``, one a line."""
    return frozenset((files("itaca.cases") / "free_mail.txt").read_text(encoding="ascii").split())
