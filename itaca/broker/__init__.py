"""Moving events between stages: the port, the topology, RabbitMQ and memory."""
