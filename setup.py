"""Packages: discovered, and two folders that people read at the top of the repository."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["local_lakehouse*", "zetl_helpers*"]),
        "zetl_helpers.policies",
        "zetl_helpers.sample_data",
    ],
    package_dir={"zetl_helpers.policies": "policies", "zetl_helpers.sample_data": "sample_data"},
)
