"""TPC-DS, run by ``make tpcds``; DuckDB's generator, which it needs, is not a dependency of the project."""
