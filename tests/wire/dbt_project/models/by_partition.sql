{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partitioned_by=['state']) }}
select customerid, balance, state from {{ ref('stg_accounts') }}
