"""AWS Lake Formation's opt-ins, which moto does not have."""
