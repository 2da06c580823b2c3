"""PartiQL for DynamoDB. Statements are executed as requests to the equivalent operations."""
