"""The moto backends in this process, and the clients that call them."""
