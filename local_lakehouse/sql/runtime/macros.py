"""DuckDB macros for functions that DuckDB does not provide or that behave differently in Athena."""

# ruff: noqa: E501 - one macro per line.

from __future__ import annotations

_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_NUMBER = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

# Failures are raised inside a list subscript, because DuckDB evaluates a CASE condition during planning even if the
# condition is never reached. The element of [NULL] has the type that the surrounding expression requires. The element is
# read from a slice, because DuckDB knows that an element of [NULL] is NULL, and then COALESCE and IS NULL ignore it.
_FAILURES = """
athena_fail(m) AS [NULL][athena_raise(m):][1]
athena_bad(m) AS athena_fail('INVALID_FUNCTION_ARGUMENT|' || m)
athena_bad_cast(s, t) AS athena_fail('INVALID_CAST_ARGUMENT|Cannot cast ''' || s || ''' to ' || t)
athena_positive(n, m) AS CASE WHEN n < 1 THEN athena_bad(m) ELSE n END
athena_not_negative(n, m) AS CASE WHEN n < 0 OR n IS NULL THEN athena_bad(m) ELSE n END
athena_bad_offset(n, bad) AS CASE WHEN n IS NULL OR bad THEN athena_fail('INVALID_WINDOW_FRAME|Window frame offset value must not be negative or null') ELSE n END
athena_frame_offset(n) AS athena_bad_offset(n, n < 0)
athena_frame_offset_float(n) AS athena_bad_offset(n, n < 0 OR isnan(n))
athena_frame_days(n) AS CASE WHEN n % 86400000 <> 0 THEN athena_bad('Cannot add hour, minutes or seconds to a date') ELSE n END
athena_row_count(n, f) AS CASE WHEN n <= 0 THEN athena_bad('third argument of ' || f || ' must be a positive integer') WHEN n > 10000 THEN athena_bad('third argument of ' || f || ' must be less than or equal to 10000; found ' || n) ELSE n END
athena_max_error(x) AS CASE WHEN x BETWEEN 0.0040625::DOUBLE AND 0.26::DOUBLE THEN TRUE WHEN x IS NOT NULL THEN athena_bad('Max standard error must be in [0.0040625, 0.26]: ' || x) ELSE FALSE END
athena_recursion_depth(d, n) AS CASE WHEN d >= n THEN athena_fail('NOT_SUPPORTED|Recursion depth limit exceeded (' || n || '). Use ''max_recursion_depth'' session property to modify the limit.') ELSE d + 1 END
"""

_NUMBERS = """
athena_divide(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL THEN athena_fail('DIVISION_BY_ZERO|Division by zero') ELSE a // b END
athena_negate_tinyint(x) AS CAST(0 AS TINYINT) - x
athena_negate_smallint(x) AS CAST(0 AS SMALLINT) - x
athena_negate_integer(x) AS CAST(0 AS INTEGER) - x
athena_negate_bigint(x) AS CAST(0 AS BIGINT) - x
athena_mod(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL THEN athena_fail('DIVISION_BY_ZERO|Division by zero') WHEN b = -1 THEN a % (-b) ELSE a % b END
athena_mod_float(a, b) AS CASE WHEN b = 0 OR isinf(a) THEN CAST('NaN' AS DOUBLE) + a * 0 + b * 0 ELSE a % b END
athena_not_equal(a, b) AS (a <> b OR (isnan(a) AND isnan(b)))
athena_above(g, o, p) AS (p AND (NOT isnan(g) OR o IS NULL))
athena_sign(x) AS CASE WHEN isnan(x) OR x = 0 THEN x ELSE sign(x) END
athena_half_up(x) AS sign(x) * CASE WHEN abs(x) - floor(abs(x)) < 0.5 THEN floor(abs(x)) ELSE floor(abs(x)) + 1 END
athena_round(x, n) AS CASE WHEN n IS NULL THEN NULL WHEN isnan(x) OR isinf(x) OR isinf(x * pow(10.0::DOUBLE, n)) THEN x ELSE athena_half_up(x * pow(10.0::DOUBLE, n)) / pow(10.0::DOUBLE, n) END
athena_truncate_decimal(x, n) AS athena_truncate_text(CAST(x AS VARCHAR), n)
athena_power(x, y) AS CASE WHEN isnan(y) OR (isinf(y) AND abs(x) = 1) THEN CAST('NaN' AS DOUBLE) + x ELSE pow(x, y) END
athena_truncate(x, n) AS CASE WHEN n IS NULL THEN NULL WHEN isnan(x) OR isinf(x) OR abs(x * pow(10.0::DOUBLE, n)) >= 9007199254740992 THEN x ELSE trunc(x * pow(10.0::DOUBLE, n)) / pow(10.0::DOUBLE, n) END
athena_round_integer(x, n) AS CASE WHEN n IS NULL THEN NULL WHEN n >= 0 OR x = 0 THEN x WHEN n < -18 THEN athena_fail('NUMERIC_VALUE_OUT_OF_RANGE|Rounded value is out of range') ELSE sign(x) * ((abs(CAST(x AS HUGEINT)) + CAST(pow(10, -n) AS HUGEINT) // 2) // CAST(pow(10, -n) AS HUGEINT)) * CAST(pow(10, -n) AS HUGEINT) END
athena_round_decimal(x, n) AS round(x, n)
athena_sqrt(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt(x) END
athena_ln(x) AS CASE WHEN x = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN x < 0 THEN CAST('NaN' AS DOUBLE) ELSE ln(x) END
athena_log2(x) AS athena_ln(x) / ln(2.0::DOUBLE)
athena_log10(x) AS CASE WHEN x = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN x < 0 THEN CAST('NaN' AS DOUBLE) ELSE log10(x) END
athena_cbrt(x) AS CASE WHEN round(cbrt(x)) * round(cbrt(x)) * round(cbrt(x)) = x THEN round(cbrt(x)) ELSE cbrt(x) END
athena_random(a, b) AS CASE WHEN b <= a THEN athena_bad(CASE WHEN a = 0 THEN 'bound must be positive' ELSE 'start value must be less than stop value' END) ELSE a + CAST(floor(random() * (b - a)) AS BIGINT) END
athena_bin_above(x, b) AS CASE WHEN x IS NULL OR b IS NULL THEN NULL WHEN len(b) = 0 THEN athena_bad('Bins cannot be an empty array') WHEN isnan(x) THEN athena_bad('Operand cannot be NaN') WHEN len(list_filter(b, lambda zx: NOT isfinite(zx))) > 0 THEN athena_bad('Bin values must be finite') WHEN len(list_filter(b, lambda zx, zi: zi > 1 AND b[zi - 1] > zx)) > 0 THEN athena_bad('Bin values are not sorted in ascending order') ELSE len(list_filter(b, lambda zx: zx <= x)) END
athena_bucket_between(x, l, h, n) AS CASE WHEN x < l THEN 0 WHEN x >= h THEN n + 1 ELSE CAST(floor(CAST(n AS DOUBLE) * (x - l) / (h - l) + 1) AS BIGINT) END
athena_bucket(x, l, h, n) AS CASE WHEN n <= 0 THEN athena_bad('bucketCount must be greater than 0') WHEN isnan(x) THEN athena_bad('operand must not be NaN') WHEN l = h THEN athena_bad('bounds cannot equal each other') WHEN l < h THEN athena_bucket_between(x, l, h, n) ELSE n - athena_bucket_between(x, h, l, n) + 1 END
athena_width_bucket(x, l, h, n) AS CASE WHEN x IS NULL OR l IS NULL OR h IS NULL OR n IS NULL THEN NULL WHEN NOT isfinite(l) THEN athena_bad('first bound must be finite') WHEN NOT isfinite(h) THEN athena_bad('second bound must be finite') ELSE athena_bucket(x, l, h, n) END
athena_beyond(x, t) AS athena_half_up(x) >= CASE t WHEN 'tinyint' THEN 128 WHEN 'smallint' THEN 32768 WHEN 'integer' THEN 2147483648 ELSE 9223372036854775807 END::DOUBLE OR athena_half_up(x) < CASE t WHEN 'tinyint' THEN -128 WHEN 'smallint' THEN -32768 WHEN 'integer' THEN -2147483648 ELSE -9223372036854775807 END::DOUBLE
athena_whole(x, t) AS CASE WHEN isnan(x) THEN athena_fail('INVALID_CAST_ARGUMENT|Cannot cast double NaN to ' || t) WHEN athena_beyond(x, t) THEN athena_fail('INVALID_CAST_ARGUMENT|Out of range for ' || t || ': ' || athena_double_text(x)) ELSE athena_half_up(x) END
athena_real(x) AS CASE WHEN isfinite(x) AND abs(x) >= 3.4028235677973366e38::DOUBLE THEN sign(x) * 'Infinity'::DOUBLE ELSE x END
athena_try_whole(x, t) AS CASE WHEN NOT isnan(x) AND NOT athena_beyond(x, t) THEN athena_half_up(x) END
athena_plain(x, k) AS athena_plain_number(CASE WHEN k = 'real' THEN athena_real_text(x) ELSE athena_double_text(x) END)
"""

_TEXTS = r"""
athena_spaces() AS chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(28) || chr(29) || chr(30) || chr(31) || ' ' || chr(5760) || chr(8192) || chr(8193) || chr(8194) || chr(8195) || chr(8196) || chr(8197) || chr(8198) || chr(8200) || chr(8201) || chr(8202) || chr(8232) || chr(8233) || chr(8287) || chr(12288)
athena_upper(s) AS CASE WHEN contains(s, 'ß') THEN replace(upper(replace(s, 'ß', chr(1))), chr(1), 'ß') ELSE upper(s) END
athena_lower(s) AS lower(s)
athena_decimal_text(x) AS CASE WHEN starts_with(CAST(x AS VARCHAR), '.') THEN '0' || CAST(x AS VARCHAR) WHEN starts_with(CAST(x AS VARCHAR), '-.') THEN '-0' || substring(CAST(x AS VARCHAR), 2) ELSE CAST(x AS VARCHAR) END
athena_pad(s, n) AS rpad(left(s, n), n, ' ')
athena_fit(s, n) AS CASE WHEN length(s) <= n THEN s ELSE athena_fail('INVALID_CAST_ARGUMENT|Value ' || s || ' cannot be represented as varchar(' || n || ')') END
athena_substr(s, i) AS CASE WHEN i = 0 OR abs(i) > length(s) THEN left(s, 0) ELSE substring(s, i) END
athena_substr_length(s, i, n) AS CASE WHEN i IS NULL OR n IS NULL THEN NULL WHEN i = 0 OR n <= 0 OR abs(i) > length(s) THEN left(s, 0) ELSE substring(s, i, least(n, 2147483647)) END
athena_replace(s, x, y) AS CASE WHEN x = '' THEN athena_replace_empty(s, y) ELSE replace(s, x, y) END
athena_lpad(s, n, p) AS CASE WHEN s IS NULL OR n IS NULL OR p IS NULL THEN NULL WHEN n > 16777216 AND n <= 2147483647 THEN athena_fail('NOT_SUPPORTED|The local Athena does not pad strings to more than 16777216 characters') WHEN n < 0 OR n > 2147483647 THEN athena_bad('Target length must be in the range [0..2147483647]') WHEN p = '' THEN athena_bad('Padding string must not be empty') ELSE lpad(s, CAST(least(n, 16777216) AS INTEGER), p) END
athena_rpad(s, n, p) AS CASE WHEN s IS NULL OR n IS NULL OR p IS NULL THEN NULL WHEN n > 16777216 AND n <= 2147483647 THEN athena_fail('NOT_SUPPORTED|The local Athena does not pad strings to more than 16777216 characters') WHEN n < 0 OR n > 2147483647 THEN athena_bad('Target length must be in the range [0..2147483647]') WHEN p = '' THEN athena_bad('Padding string must not be empty') ELSE rpad(s, CAST(least(n, 16777216) AS INTEGER), p) END
athena_split(s, d) AS CASE WHEN s IS NULL OR d IS NULL THEN NULL WHEN d = '' THEN athena_bad('The delimiter may not be the empty string') ELSE str_split(s, d) END
athena_split_part(s, d, i) AS CASE WHEN s IS NULL OR d IS NULL OR i IS NULL THEN NULL WHEN i < 1 THEN athena_bad('Index must be greater than zero') WHEN d = '' THEN CASE WHEN i > length(s) THEN NULL ELSE substring(s, i, 1) END ELSE str_split(s, d)[i] END
athena_distance(a, b) AS CASE WHEN length(a) > 0 AND length(b) > 0 AND greatest(length(a), length(b)) * (least(length(a), length(b)) - 1) > 1000000 THEN athena_bad('The combined inputs for Levenshtein distance are too large') WHEN strlen(a) = length(a) AND strlen(b) = length(b) THEN levenshtein(a, b) ELSE athena_levenshtein(a, b) END
athena_translate(s, f, t) AS translate(s, f, t)
athena_chr(n) AS CASE WHEN n < 0 OR n > 1114111 OR n BETWEEN 55296 AND 57343 THEN athena_bad('Not a valid Unicode code point: ' || n) ELSE chr(CAST(n AS INTEGER)) END
athena_codepoint(s) AS CASE WHEN length(s) <> 1 THEN athena_bad('Input string must be a single character string') ELSE unicode(s) END
athena_float_digits(s) AS CASE WHEN regexp_full_match(s, '[+-]?NUMBER') THEN s ELSE rtrim(nullif(regexp_extract(s, '^[\x00-\x20]*([+-]?(NUMBER[dDfF]?|NaN|Infinity))[\x00-\x20]*$', 1), ''), 'dDfF') END
athena_parse_float(s, t) AS CASE WHEN regexp_full_match(s, '[+-]?NUMBER') THEN s WHEN athena_float_digits(s) IS NOT NULL THEN athena_float_digits(s) ELSE athena_bad_cast(s, t) END
athena_decimal_digits(s) AS CASE WHEN regexp_full_match(s, '[+-]?NUMBER') THEN s END
athena_no_decimal(s, t) AS athena_fail('INVALID_CAST_ARGUMENT|Cannot cast VARCHAR ''' || s || ''' to ' || t || CASE WHEN athena_decimal_digits(s) IS NULL THEN '. Value is not a number.' ELSE '. Value too large.' END)
athena_fit_decimal(v, s, t, k) AS CASE WHEN v IS NOT NULL THEN v WHEN s IS NULL THEN NULL ELSE athena_fail('INVALID_CAST_ARGUMENT|Cannot cast ' || k || ' ''' || s || ''' to ' || t) END
athena_try_boolean(s) AS CASE WHEN lower(s) IN ('t', 'true', '1') THEN TRUE WHEN lower(s) IN ('f', 'false', '0') THEN FALSE END
athena_parse_boolean(s) AS CASE WHEN s IS NULL THEN NULL ELSE coalesce(athena_try_boolean(s), athena_bad_cast(s, 'BOOLEAN')) END
athena_whole_digits(s) AS CASE WHEN regexp_full_match(s, '[+-]?[0-9]+') THEN s END
""".replace("NUMBER", _NUMBER)

_MOMENTS = r"""
athena_now() AS make_timestamp(epoch_ms(now()) * 1000)
athena_now_micros() AS make_timestamp(epoch_us(now()))
athena_current_date() AS CAST(athena_now() AS DATE)
athena_try_date(s) AS TRY_CAST(CASE WHEN regexp_full_match(trim(s, athena_spaces()), '[+-]?[0-9]+-[0-9]{1,2}-[0-9]{1,2}') THEN trim(s, athena_spaces()) END AS DATE)
athena_parse_date(s) AS CASE WHEN s IS NULL THEN NULL ELSE coalesce(athena_try_date(s), athena_fail('INVALID_CAST_ARGUMENT|Value cannot be cast to date: ' || s)) END
athena_step(us, n) AS us - ((us % n) + n) % n
athena_round_timestamp(t, p) AS time_bucket(to_microseconds(CAST(pow(10, 6 - p) AS BIGINT)), t + to_microseconds(CAST(pow(10, 6 - p) AS BIGINT) // 2))
athena_timestamp_text(t, p) AS CASE WHEN year(t) BETWEEN 0 AND 9999 THEN strftime(t, '%Y') ELSE printf(CASE WHEN year(t) < 0 THEN '%05d' ELSE '+%d' END, year(t)) END || left(strftime(t, '-%m-%d %H:%M:%S.%f'), CASE WHEN p = 0 THEN 15 ELSE 16 + p END)
athena_time_text(t, p) AS left(strftime(DATE '1970-01-01' + t, '%H:%M:%S.%f'), CASE WHEN p = 0 THEN 8 ELSE 9 + p END)
athena_day_interval_text(x) AS CASE WHEN x < 0 THEN '-' ELSE '' END || printf('%d %02d:%02d:%02d.%03d', abs(x) // 86400000, abs(x) // 3600000 % 24, abs(x) // 60000 % 60, abs(x) // 1000 % 60, abs(x) % 1000)
athena_month_interval_text(x) AS CASE WHEN x < 0 THEN '-' ELSE '' END || printf('%d-%d', abs(x) // 12, abs(x) % 12)
athena_at(x) AS CAST((x).i AS TIMESTAMP)
athena_zoned(t, n) AS CASE WHEN t IS NULL OR n IS NULL THEN NULL ELSE struct_pack(i := t, z := n) END
athena_fine(u, p) AS CASE WHEN u IS NULL THEN NULL ELSE struct_pack(u := u, p := CAST(p AS INTEGER)) END
athena_fine_zoned(t, n, p) AS CASE WHEN t IS NULL OR n IS NULL THEN NULL ELSE struct_pack(i := t, z := n, p := CAST(p AS INTEGER)) END
athena_micros_of_day(t) AS (epoch_us(t) % 86400000000 + 86400000000) % 86400000000
athena_clock_picos(x) AS list_transform([x], lambda zt: ((zt.n + zt.o * 60000000000000) % 86400000000000000 + 86400000000000000) % 86400000000000000)[1]
athena_zoned_time(p, o) AS list_transform([o], lambda zo: list_transform([p], lambda zp: CASE WHEN zp IS NOT NULL AND zo IS NOT NULL THEN struct_pack(n := ((zp - zo * 60000000000000) % 86400000000000000 + 86400000000000000) % 86400000000000000, o := CAST(zo AS INTEGER)) END)[1])[1]
athena_time_at(x, m) AS list_transform([m], lambda zm: list_transform([x], lambda zt: CASE WHEN zt IS NOT NULL AND zm IS NOT NULL THEN struct_pack(n := zt.n, o := CAST(zm AS INTEGER)) END)[1])[1]
athena_clock_offset(m) AS list_transform([m], lambda zm: CASE WHEN zm < 0 THEN '-' ELSE '+' END || printf('%02d:%02d', abs(zm) // 60, abs(zm) % 60))[1]
athena_round_picos(p, n) AS (p + n // 2) // n * n % 1000000
athena_carry(t, p, n) AS CASE WHEN (p + n // 2) // n * n >= 1000000 THEN t + INTERVAL 1 MICROSECOND ELSE t END
athena_local(x) AS CASE WHEN (x).z = 'UTC' THEN athena_at(x) ELSE make_timestamp(athena_local_micros(epoch_us(athena_at(x)), (x).z)) END
athena_keep_local(t, n) AS CASE WHEN n = 'UTC' THEN t ELSE make_timestamp(athena_joda_instant(epoch_us(t), n, epoch_us(t))) END
athena_moved_local(t, n, o) AS CASE WHEN n = 'UTC' THEN t ELSE make_timestamp(athena_joda_instant(epoch_us(t), n, epoch_us(o))) END
athena_zone_offset(x) AS CASE WHEN (x).z = 'UTC' THEN 0 ELSE athena_offset(epoch_us(athena_at(x)), (x).z) END
athena_offset_text(m) AS CASE WHEN m = 0 THEN 'Z' ELSE CASE WHEN m < 0 THEN '-' ELSE '+' END || printf('%02d:%02d', abs(m) // 60, abs(m) % 60) END
athena_date_add_days(d, x) AS CASE WHEN d IS NOT NULL AND (x) % 86400000 <> 0 THEN athena_bad('Cannot add hour, minutes or seconds to a date') ELSE d + CAST((x) // 86400000 AS INTEGER) END
athena_date_add_months(d, x) AS CAST(d + to_months(CAST(x AS INTEGER)) AS DATE)
athena_add_months(t, x) AS t + to_months(CAST(x AS INTEGER))
athena_add_millis(t, x) AS t + to_milliseconds(x)
athena_floor_millis(t) AS (epoch_us(t) - (epoch_us(t) % 1000 + 1000) % 1000) // 1000
athena_millis_between(a, b) AS athena_floor_millis(b) - athena_floor_millis(a)
athena_millis_of_picos(p) AS CAST(CASE WHEN p < 0 THEN -((500000000 - p) // 1000000000) ELSE (p + 500000000) // 1000000000 END AS BIGINT)
athena_rounded_millis(us) AS athena_step(us + 500, 1000) // 1000
athena_months_between(a, b) AS CASE WHEN a <= b THEN date_sub('month', a, b) ELSE -date_sub('month', b, a) END
athena_java_round(x) AS CASE WHEN isnan(x) THEN 0 WHEN isinf(x) OR x - floor(x) < 0.5 THEN floor(x) ELSE floor(x) + 1 END
athena_from_unixtime(x) AS make_timestamp(CAST(athena_java_round(x * 1000) AS BIGINT) * 1000)
athena_in_years(t, low, high) AS CASE WHEN t IS NULL OR year(t) BETWEEN low AND high THEN t ELSE athena_fail('NOT_SUPPORTED|The local Athena does not format dates outside the years ' || low || ' to ' || high) END
"""

# Lists have a valid length even in branches that raise an error, because DuckDB can evaluate all branches of a CASE.
# Lists are paired and selected by position, because list_zip and list_select in DuckDB 1.5.1 fail for empty lists and
# constant lists of NULLs. For some lists, list_zip never returns.
_COLLECTIONS = """
athena_pairs(a, b) AS list_transform(range(1, greatest(len(a), len(b)) + 1), lambda zw: row(a[zw], b[zw]))
athena_any(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, TRUE) THEN TRUE WHEN list_count(l) < len(l) THEN NULL ELSE FALSE END
athena_all(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, FALSE) THEN FALSE WHEN list_count(l) < len(l) THEN NULL ELSE TRUE END
athena_comparison(x) AS CASE WHEN x IS NULL OR x NOT IN (-1, 0, 1) THEN athena_bad('Lambda comparator must return either -1, 0, or 1') ELSE x END
athena_arrays_equal(a, b, m) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) <> len(b) THEN FALSE ELSE athena_all(m) END
athena_maps_equal(a, b, k, l, m) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(k) <> len(l) OR len(list_filter(k, lambda zme: NOT list_contains(l, zme))) > 0 THEN FALSE ELSE athena_all(m) END
athena_array_concat(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END
athena_join_by(l, d) AS CASE WHEN l IS NULL OR d IS NULL THEN NULL ELSE coalesce(list_reduce(list_filter(l, lambda zf: zf IS NOT NULL), lambda za, zb: CASE WHEN za IS NULL THEN zb ELSE za || d || zb END, CAST(NULL AS VARCHAR)), '') END
athena_join(l, d) AS CASE WHEN l IS NULL OR d IS NULL THEN NULL ELSE coalesce(array_to_string(l, d), '') END
athena_subscript(a, n) AS CASE WHEN a IS NULL THEN NULL WHEN n = 0 THEN athena_bad('SQL array indices start at 1') WHEN n < 0 THEN athena_bad('Array subscript is negative: ' || n) WHEN n > len(a) THEN athena_bad('Array subscript must be less than or equal to array length: ' || n || ' > ' || len(a)) ELSE a[n] END
athena_element_at(a, n) AS CASE WHEN a IS NULL THEN NULL WHEN n = 0 THEN athena_bad('SQL array indices start at 1') ELSE a[n] END
athena_entropy(l) AS CASE WHEN list_min(l) < 0 THEN athena_bad('Entropy count argument must be non-negative') ELSE coalesce(list_sum(list_transform(list_filter(l, lambda zc: zc > 0), lambda zc: -(CAST(zc AS DOUBLE) / list_sum(l)) * log2(CAST(zc AS DOUBLE) / list_sum(l)))), CAST(0 AS DOUBLE)) END
athena_has(a, x) AS CASE WHEN x IS NULL THEN list_count(a) < len(a) ELSE list_contains(a, x) END
athena_first_at(a, x) AS CASE WHEN x IS NULL THEN list_position(list_transform(a, lambda zn: zn IS NULL), TRUE) ELSE list_position(a, x) END
athena_array_distinct(a) AS list_filter(a, lambda zx, zi: athena_first_at(a, zx) = zi)
athena_nth(l, n) AS CASE WHEN n = 0 THEN athena_bad('array_position cannot take a 0-valued instance argument.') ELSE l[n] END
athena_kept_in(a, b) AS list_filter(athena_array_distinct(a), lambda zy: athena_has(b, zy))
athena_array_intersect(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) < len(b) THEN athena_kept_in(b, a) ELSE athena_kept_in(a, b) END
athena_array_except(a, b) AS CASE WHEN b IS NULL THEN NULL ELSE list_filter(athena_array_distinct(a), lambda zy: NOT athena_has(b, zy)) END
athena_chosen(a, k, f) AS list_transform(list_filter(range(1, len(a) + 1), lambda zi: athena_first_at(k, k[zi]) = zi AND f[zi]), lambda zj: a[zj])
athena_distinct_by(a, k) AS athena_chosen(a, k, list_transform(k, lambda zt: TRUE))
athena_kept_by(a, k, o) AS athena_chosen(a, k, list_transform(k, lambda zt: athena_has(o, zt)))
athena_except_by(a, k, o) AS CASE WHEN o IS NULL THEN NULL ELSE athena_chosen(a, k, list_transform(k, lambda zt: NOT athena_has(o, zt))) END
athena_intersect_by(a, b, k, o) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) < len(b) THEN athena_kept_by(b, o, k) ELSE athena_kept_by(a, k, o) END
athena_arrays_overlap(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN list_has_any(a, b) THEN TRUE WHEN len(a) = 0 OR len(b) = 0 THEN FALSE WHEN list_count(a) < len(a) OR list_count(b) < len(b) THEN NULL ELSE FALSE END
athena_contains_sequence(a, s) AS len(list_filter(range(1, len(a) - len(s) + 2), lambda zi: list_slice(a, zi, zi + len(s) - 1) = s)) > 0
athena_slice(a, s, n) AS CASE WHEN a IS NULL OR s IS NULL OR n IS NULL THEN NULL WHEN s = 0 THEN athena_bad('SQL array indices start at 1') WHEN n < 0 THEN athena_bad('length must be greater than or equal to 0') WHEN n = 0 OR s > len(a) OR s < -len(a) THEN list_filter(a, lambda zx: FALSE) WHEN s < 0 THEN list_slice(a, len(a) + s + 1, least(len(a) + s + n, len(a))) ELSE list_slice(a, s, least(s + n - 1, len(a))) END
athena_trim_array(a, n) AS CASE WHEN a IS NULL OR n IS NULL THEN NULL WHEN n < 0 THEN athena_bad('size must not be negative: ' || n) WHEN n > len(a) THEN athena_bad('size must not exceed array cardinality ' || len(a) || ': ' || n) WHEN n = len(a) THEN list_filter(a, lambda zx: FALSE) ELSE list_slice(a, 1, len(a) - n) END
athena_sequence(a, b, s) AS CASE WHEN a IS NULL OR b IS NULL OR s IS NULL THEN NULL WHEN s = 0 THEN athena_bad('step must not be zero') WHEN (b - a) * sign(s) < 0 THEN athena_bad('sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') WHEN (b - a) // s >= 10000 THEN athena_bad('result of sequence function must not have more than 10000 entries') ELSE generate_series(a, CASE WHEN (b - a) // s >= 10000 THEN a ELSE b END, nullif(s, 0)) END
athena_date_sequence(a, b, s) AS list_transform(athena_sequence(0, b - a, s), lambda zi: a + CAST(zi AS INTEGER))
athena_timestamp_sequence(a, b, s) AS list_transform(athena_sequence(0, athena_millis_between(a, b), s), lambda zi: a + to_milliseconds(zi))
athena_month_sequence(a, b, s) AS CASE WHEN (a < b AND s < 0) OR (a > b AND s > 0) THEN athena_bad('sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') ELSE list_transform(athena_sequence(0, athena_months_between(a, b), s), lambda zi: a + to_months(CAST(zi AS INTEGER))) END
athena_repeat(x, n) AS CASE WHEN n > 1 AND strlen(CAST(x AS VARCHAR)) > (1000000 + n) // n THEN athena_bad('result of repeat function must not take more than 1000000 bytes') WHEN n < 0 THEN athena_bad('count argument of repeat function must be greater than or equal to 0') WHEN n > 10000 THEN athena_bad('count argument of repeat function must be less than or equal to 10000') ELSE list_transform(range(CASE WHEN n > 10000 THEN 0 ELSE n END), lambda zi: x) END
athena_shuffle(a) AS list_transform(list_sort(list_transform(a, lambda zx: struct_pack(r := random(), x := zx))), lambda zs: zs.x)
athena_ngrams(a, n) AS CASE WHEN a IS NULL OR n IS NULL THEN NULL WHEN n <= 0 THEN athena_bad('N must be positive') WHEN n > len(a) THEN [a] ELSE list_transform(range(1, len(a) - n + 2), lambda zi: list_slice(a, zi, zi + n - 1)) END
athena_determined(e, n) AS CASE WHEN e IS NULL THEN athena_fail('NOT_SUPPORTED|' || n || ' does not support arrays with elements that are null or contain null') ELSE e END
athena_at_share(l, q) AS CASE WHEN q IS NULL THEN NULL WHEN q < 0 OR q > 1 THEN athena_bad('Percentile must be between 0 and 1') WHEN len(list_filter(l, lambda zx: zx IS NOT NULL)) = 0 THEN NULL ELSE list_filter(l, lambda zx: zx IS NOT NULL)[least(CAST(floor(q * list_count(l) + 0.000000001::DOUBLE) AS BIGINT) + 1, list_count(l))] END
athena_at_shares(l, s) AS list_transform(s, lambda zq: athena_at_share(l, zq))
athena_most_frequent(m, n, c) AS CASE WHEN n <= 1 THEN athena_bad('approx_most_frequent bucket count must be greater than one, input bucket count: ' || n) WHEN cardinality(m) > c THEN athena_fail('NOT_SUPPORTED|The local Athena computes exact results for approx_most_frequent. Increase the capacity to at least the number of distinct values') WHEN m IS NOT NULL AND cardinality(m) > 0 THEN map_from_entries(list_transform(list_slice(list_reverse_sort(list_transform(map_entries(m), lambda ze: struct_pack(n := ze.value, e := ze))), 1, n), lambda zs: zs.e)) END
athena_undetermined(k, x) AS list_filter(range(1, len(k) + 1), lambda zi: k[zi] IS NOT NULL AND x[zi] IS NULL)[1]
athena_duplicate(i) AS list_filter(range(1, len(i) + 1), lambda zi: list_position(i, i[zi]) < zi)[1]
athena_map(k, i, v, t) AS CASE WHEN k IS NULL OR v IS NULL THEN NULL WHEN len(k) <> len(v) THEN athena_bad('Key and value arrays must be the same length') WHEN list_count(k) < len(k) THEN athena_bad('map key cannot be null') WHEN list_unique(i) < len(i) THEN athena_bad('Duplicate map keys (' || t[athena_duplicate(i)] || ') are not allowed') ELSE map(k, v) END
athena_select(l, p) AS list_transform(p, lambda zs: l[zs])
athena_firsts(i) AS list_filter(range(1, len(i) + 1), lambda zi: list_position(i, i[zi]) = zi)
athena_map_first(k, i, v) AS CASE WHEN list_unique(i) = len(i) THEN map(k, v) ELSE map(athena_select(k, athena_firsts(i)), athena_select(v, athena_firsts(i))) END
athena_multimap(k, i, v) AS map(athena_select(k, athena_firsts(i)), list_transform(athena_select(i, athena_firsts(i)), lambda zj: list_transform(list_filter(range(1, len(i) + 1), lambda zp: i[zp] IS NOT DISTINCT FROM zj), lambda zq: v[zq])))
athena_entries_multimap(k, i, v) AS CASE WHEN list_count(k) < len(k) THEN athena_bad('map key cannot be null') ELSE athena_multimap(k, i, v) END
athena_known_firsts(l, i) AS list_filter(athena_firsts(i), lambda zn: l[zn] IS NOT NULL)
athena_array_histogram(l, i) AS map(athena_select(l, athena_known_firsts(l, i)), list_transform(athena_select(i, athena_known_firsts(l, i)), lambda zk: len(list_filter(i, lambda ze: ze IS NOT DISTINCT FROM zk))))
athena_histogram_of_lists(h) AS map(list_transform(map_keys(h), lambda zk: zk[1]), CAST(map_values(h) AS BIGINT[]))
athena_histogram(h, d, i) AS map(list_transform(map_keys(h), lambda zk: d[list_position(i, zk)]), map_values(h))
athena_zip_keys(a, b, i, o) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN list_concat(list_transform(range(1, len(i) + 1), lambda zi: struct_pack(key := map_keys(a)[zi], a := map_values(a)[zi], b := map_values(b)[list_position(o, i[zi])])), list_transform(list_filter(range(1, len(o) + 1), lambda zo: NOT list_contains(i, o[zo])), lambda zj: struct_pack(key := map_keys(b)[zj], a := map_values(a)[0], b := map_values(b)[zj]))) END
athena_listagg_fits(x) AS CASE WHEN strlen(x) > 1048576 THEN athena_fail('EXCEEDED_FUNCTION_MEMORY_LIMIT|Concatenated string has the length in bytes larger than the maximum output length 1048576') ELSE x END
athena_map_get(m, k, h, v, t) AS CASE WHEN m IS NULL OR k IS NULL THEN NULL WHEN h THEN v ELSE athena_bad('Key not present in map: ' || t) END
"""


def _integer_parsers() -> str:
    lines = []
    for name in _INTEGERS:
        lines.append(
            f"athena_parse_{name}(s, t) AS CASE WHEN regexp_full_match(s, '[+-]?[0-9]+') THEN "
            f"coalesce(TRY_CAST(s AS {name.upper()}), athena_bad_cast(s, t)) ELSE athena_bad_cast(s, t) END"
        )
    return "\n".join(lines)


def macro_statements() -> list[str]:
    """Return the statements that create all macros, in dependency order."""
    text = "\n".join((_FAILURES, _NUMBERS, _TEXTS, _integer_parsers(), _MOMENTS, _COLLECTIONS))
    return [f"CREATE MACRO {line}" for line in text.splitlines() if line.strip()]
