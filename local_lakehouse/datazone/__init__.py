"""Amazon DataZone, as far as a notebook asks it: the Studio's domain, project and project role."""
