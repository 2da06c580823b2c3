"""The clients' test suites, run manually against the lakehouse: `python -m tests.clients.run --help`."""
