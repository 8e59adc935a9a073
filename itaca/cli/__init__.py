"""The itaca command: one module per verb."""
