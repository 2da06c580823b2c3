{{ config(
    materialized='incremental', table_type='iceberg', incremental_strategy='merge', unique_key='customerid'
) }}
select customerid, state, balance, updated from {{ ref('stg_accounts') }}
{% if is_incremental() %}
where updated > (select max(updated) from {{ this }})
{% endif %}
