"""The clock: broken promises escalate, unsettled mail is driven again, the books are balanced."""
