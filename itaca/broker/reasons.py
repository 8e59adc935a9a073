"""Why a message died, in words that both brokers use."""

_BY_BROKER = {
    "delivery_limit": "it was delivered too often without a settlement: whoever worked on it may have died of it",
    "rejected": "it was rejected",
    "expired": "it waited longer than its time to live",
    "maxlen": "the queue was full",
}


def delivery_limit_reason(deliveries: int) -> str:
    """Say that a message was handed out ``deliveries`` times and never settled."""
    return f"delivered {deliveries} times: {_BY_BROKER['delivery_limit']}"


def last_retry_reason(retries: int, reason: str) -> str:
    """Say that the last of ``retries`` retries is used up, and why it was needed."""
    return f"after {retries} retries: {reason}"


def broker_reason(code: str) -> str:
    """Put RabbitMQ's own reason (the header ``x-death``) into words."""
    return f"{_BY_BROKER.get(code, 'the broker gave it up')} ({code})"
