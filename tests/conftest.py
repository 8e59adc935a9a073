"""The fixtures that every kind of test may ask for."""

pytest_plugins = [
    "tests.support.rabbitmq",
    "tests.support.postgres",
    "tests.support.relay",
    "tests.support.postfix",
]
