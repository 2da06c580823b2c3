"""TPC-DS, run by ``make tpcds``: it needs DuckDB's generator, which is no dependency of the project."""
