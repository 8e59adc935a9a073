"""The two families of errors: again later, and never."""


class ItacaError(Exception):
    """Root of the errors that this project raises itself."""


class TransientError(ItacaError):
    """The same work may succeed later: a backend is away, a time limit passed, a commit's answer was lost."""


class PermanentError(ItacaError):
    """The same work will never succeed: the input is not what it claims to be, or a rule forbids it."""


class ConfigurationError(PermanentError):
    """The configuration cannot be used; ``problems`` names each fault by its variable.

    Args:
        problems: one sentence each, beginning with the name of the variable.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
