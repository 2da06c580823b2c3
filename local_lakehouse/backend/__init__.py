"""Moto in this process, and the clients that reach it."""
