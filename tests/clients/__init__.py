"""Test suites of AWS clients, which ``python -m tests.clients.run`` runs against the lakehouse."""
