"""AWS Lake Formation: settings, grants, opt-ins and registered locations."""
