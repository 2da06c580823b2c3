{{ config(materialized='table', table_type='iceberg', format='parquet', partitioned_by=['bucket(state, 4)']) }}
select * from {{ ref('by_state') }}
