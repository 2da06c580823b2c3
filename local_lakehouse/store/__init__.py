"""The durable state of a lakehouse."""
