{{ config(materialized='view') }}
select customerid, state, status, balance, cast(updated as timestamp(6)) as updated
from {{ source('raw', 'accounts') }}
