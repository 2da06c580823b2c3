{{ config(materialized='table') }}
select a.state, count(*) as accounts, sum(a.balance) as balance, max(s.rank) as worst
from {{ ref('stg_accounts') }} a
join {{ ref('statuses') }} s on a.status = s.status
group by a.state
