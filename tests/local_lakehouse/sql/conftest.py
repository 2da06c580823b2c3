from tests.local_lakehouse.athena.conftest import accounts, ask, athena, workers

__all__ = ["accounts", "ask", "athena", "workers"]
