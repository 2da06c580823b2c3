"""The Amazon DataZone domain, project and project role that notebooks use."""
