"""A cancellation as a promise: requested, receipted, handed over, effected, watched, closed.

The machine is pure. A step that comes late or twice changes nothing: messages of other systems arrive in any order
and more than once. A step that contradicts what a person said is refused.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from itaca.cases.policy import Policy
from itaca.contracts.intents import CancellationEnd, CancellationState
from itaca.errors import PermanentError

_ORDER = tuple(CancellationState)


class Step(StrEnum):
    """What may happen to a cancellation."""

    RECEIPTED = "receipted"
    HANDED = "handed"
    EFFECTED = "effected"
    WATCH_BEGUN = "watch_begun"
    WATCH_ENDED = "watch_ended"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


_REACHES = {
    Step.RECEIPTED: CancellationState.RECEIPTED,
    Step.HANDED: CancellationState.HANDED,
    Step.EFFECTED: CancellationState.EFFECTED,
    Step.WATCH_BEGUN: CancellationState.WATCHED,
    Step.WATCH_ENDED: CancellationState.CLOSED,
    Step.DISMISSED: CancellationState.CLOSED,
    Step.WITHDRAWN: CancellationState.CLOSED,
}
_ENDS = {
    Step.WATCH_ENDED: CancellationEnd.WATCHED,
    Step.DISMISSED: CancellationEnd.NEVER,
    Step.WITHDRAWN: CancellationEnd.WITHDRAWN,
}
_NEEDS = {Step.WATCH_BEGUN: CancellationState.EFFECTED, Step.WATCH_ENDED: CancellationState.WATCHED}


@dataclass(frozen=True)
class Cancellation:
    """One cancellation. ``effective_at`` is from when on nothing may be charged or sent; ``effected_at`` is when the
    executing system made it so, None until it says so."""

    state: CancellationState
    requested_at: datetime
    effective_at: datetime
    watch_until: datetime
    effected_at: datetime | None = None
    ended_as: CancellationEnd | None = None
    violations: int = 0

    @property
    def holds(self) -> bool:
        """Say whether it binds us: it does for ever, unless it was none or the customer came back."""
        return self.ended_as in (None, CancellationEnd.WATCHED)

    def holds_at(self, moment: datetime) -> bool:
        """Say whether a charge, shipment or mailing at ``moment`` is wrong."""
        return self.holds and self.effective_at <= moment


def after(cancellation: Cancellation, step: Step) -> Cancellation:
    """Return the cancellation after one step; late and repeated steps leave it as it is.

    Raises:
        PermanentError: its watch cannot begin before its effect, or end before its beginning; or it was closed as
            none or as withdrawn and another system now says that it took effect.
    """
    reached = _REACHES[step]
    if cancellation.state is CancellationState.CLOSED:
        if step is Step.EFFECTED and not cancellation.holds:
            raise PermanentError("it was closed without effect: what took effect is no cancellation that we know")
        if step is not Step.WITHDRAWN:
            return cancellation
    needed = _NEEDS.get(step)
    if needed is not None and _ORDER.index(cancellation.state) < _ORDER.index(needed):
        raise PermanentError(f"a cancellation that is {cancellation.state} cannot be {step.replace('_', ' ')}")
    if reached is not CancellationState.CLOSED and _ORDER.index(cancellation.state) >= _ORDER.index(reached):
        return cancellation
    return replace(cancellation, state=reached, ended_as=_ENDS.get(step))


def take_effect(cancellation: Cancellation, effected_at: datetime, now: datetime, policy: Policy) -> Cancellation:
    """Return the cancellation once its executing system, or a person, says since when it is done; once.

    Sooner than announced: it holds from then on. Later: what was announced still holds, the delay was ours, and the
    watch lasts its whole time from the true effect on.

    Raises:
        PermanentError: it was closed as none or as withdrawn.
    """
    done = after(cancellation, Step.EFFECTED)
    if done.effected_at is not None:
        return done
    effective_at = min(cancellation.effective_at, effected_at)
    watch_until = max(cancellation.watch_until, policy.watch_until(effected_at))
    done = replace(done, effected_at=effected_at, effective_at=effective_at, watch_until=watch_until)
    return grown_older(done, now, is_answered=False)


def grown_older(cancellation: Cancellation, now: datetime, is_answered: bool) -> Cancellation:
    """Return what time alone makes of it: watched from its effective date on, closed when the watch is over.

    Args:
        is_answered: nobody owes the customer anything; a case that a violation reopened is watched until then.
    """
    if cancellation.state is CancellationState.EFFECTED and cancellation.effective_at <= now:
        cancellation = after(cancellation, Step.WATCH_BEGUN)
    if cancellation.state is CancellationState.WATCHED and cancellation.watch_until <= now and is_answered:
        cancellation = after(cancellation, Step.WATCH_ENDED)
    return cancellation
