"""The syntax, tables and actions of PartiQL statements for DynamoDB.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from local_lakehouse.protocol.partiql.parser import parse
from local_lakehouse.protocol.partiql.tree import Delete, Exists, Insert, Select, Statement, Update

__all__ = ["Delete", "Exists", "Insert", "Select", "Statement", "Update", "parse"]
