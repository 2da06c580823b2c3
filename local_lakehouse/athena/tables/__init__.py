"""Tables for statements: Iceberg and Hive tables, views, metadata tables and ``information_schema``."""
