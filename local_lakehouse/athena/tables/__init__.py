"""Tables as statements see them: Iceberg and Hive tables, views, metadata tables, ``information_schema``."""
