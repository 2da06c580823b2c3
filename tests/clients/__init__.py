"""Test suites of clients, run manually against the lakehouse with ``python -m tests.clients.run``."""
