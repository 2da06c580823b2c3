"""PartiQL for DynamoDB, which is executed by the equivalent operations."""
