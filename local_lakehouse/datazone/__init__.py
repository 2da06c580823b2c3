"""The part of Amazon DataZone that notebooks use: the Studio's domain, project and project role."""
