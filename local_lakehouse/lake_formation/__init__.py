"""AWS Lake Formation's opt-ins, which moto lacks."""
