"""The clients' own test suites, run against the lakehouse by hand: `python -m tests.clients.run --help`."""
