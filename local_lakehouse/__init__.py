"""The local lakehouse, one process on 127.0.0.1 that implements AWS's API."""
