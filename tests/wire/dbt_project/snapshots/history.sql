{% snapshot history %}
{{ config(
    target_schema='lab', unique_key='customerid', strategy='timestamp', updated_at='updated', table_type='iceberg'
) }}
select * from {{ ref('stg_accounts') }}
{% endsnapshot %}
