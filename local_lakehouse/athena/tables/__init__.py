"""Tables for statements: Iceberg and Hive tables, views, metadata tables, ``information_schema``."""
