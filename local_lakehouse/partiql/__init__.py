"""PartiQL for DynamoDB, executed by the equivalent operations."""
