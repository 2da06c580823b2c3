"""The course: chapters, exercises, notebooks, kit, site, classroom."""
