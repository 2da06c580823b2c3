"""The clients' test suites, run by hand against the lakehouse: `python -m tests.clients.run --help`."""
