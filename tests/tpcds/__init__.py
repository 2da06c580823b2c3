"""The TPC-DS benchmark, which ``make tpcds`` runs.

It needs DuckDB's generator, which is not a dependency of the project.
"""
