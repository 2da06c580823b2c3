"""The local lakehouse, a process on 127.0.0.1 that implements AWS APIs."""
