"""PartiQL for DynamoDB, carried out by the operations that it stands for."""
