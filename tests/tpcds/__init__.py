"""TPC-DS, run by ``make tpcds``: it needs DuckDB's generator, which is not a dependency of the project."""
