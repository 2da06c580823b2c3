from tests.local_lakehouse.athena.conftest import accounts, ask, athena, engine

__all__ = ["accounts", "ask", "athena", "engine"]
