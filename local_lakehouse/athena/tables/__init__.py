"""The Iceberg tables, Hive tables, views and metadata tables that statements can use."""
