"""PartiQL for DynamoDB: the syntax of statements, and their tables and actions.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from local_lakehouse.protocol.partiql.parser import parse
from local_lakehouse.protocol.partiql.tree import Delete, Exists, Insert, Select, Statement, Update

__all__ = ["Delete", "Exists", "Insert", "Select", "Statement", "Update", "parse"]
