"""The API of other systems: one module a noun, under /v1."""
