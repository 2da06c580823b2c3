"""moto in this process, and the clients that call it."""
