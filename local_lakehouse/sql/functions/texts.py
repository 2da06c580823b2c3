"""The signatures of functions for strings, binary values, URLs and regular expressions.

https://trino.io/docs/current/functions/string.html, binary.html, url.html and regexp.html
"""

from __future__ import annotations

from collections.abc import Sequence

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.operators import concatenate
from local_lakehouse.sql.analysis.signatures import Result
from local_lakehouse.sql.analysis.typed import Typed
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.functions.collections import joined
from local_lakehouse.sql.functions.registry import define
from local_lakehouse.sql.types import Type

_MAX_CHAR = 65_536
_HERE = Position(1, 1)


def _same(arguments: Sequence[Typed]) -> Type:
    return arguments[0].type


def _joined(arguments: Sequence[Typed]) -> str:
    return "(" + " || ".join(argument.sql for argument in arguments) + ")"


def _concatenated(arguments: Sequence[Typed]) -> Typed:
    """Return ``concat(a, b)``, which is ``a || b``."""
    return concatenate(arguments[0], arguments[1], _HERE)


def _joined_chars(arguments: Sequence[Typed]) -> Type:
    length = sum(argument.type.precision for argument in arguments)
    if length > _MAX_CHAR:
        raise QueryFailure("INVALID_FUNCTION_ARGUMENT", f"CHAR length must be in range [0, {_MAX_CHAR}], got {length}")
    return types.char(length)


def _texts_like(arguments: Sequence[Typed]) -> Type:
    return types.array(types.varchar(arguments[0].type.precision) if arguments[0].type.numbers else types.VARCHAR)


def _joined_arrays(arguments: Sequence[Typed]) -> str:
    sql = arguments[0].sql
    for argument in arguments[1:]:
        sql = f"athena_array_concat({sql}, {argument.sql})"
    return sql


def _joined_with(arguments: Sequence[Typed]) -> str:
    return f"concat_ws({', '.join(argument.sql for argument in arguments)})"


define("length", "varchar", "bigint", "length({0})")
define("length", "varbinary", "bigint", "octet_length({0})")
define("upper", "varchar", _same, "athena_upper({0})")
define("lower", "varchar", _same, "athena_lower({0})")
define("reverse", "varchar", _same, "athena_reverse({0})")
define("reverse", "varbinary", "varbinary", "athena_reverse_bytes({0})")
for _name in ("upper", "lower"):
    define(_name, "char", _same, f"athena_pad(athena_{_name}({{0}}), CAST(length({{0}}) AS INTEGER))")
for _name in ("trim", "ltrim", "rtrim"):
    # The result is also a char, so it is padded again after trimming.
    define(_name, "char", _same, f"athena_pad({_name}({{0}}, athena_spaces()), CAST(length({{0}}) AS INTEGER))")
    define(_name, "char,varchar", _same, f"athena_pad({_name}({{0}}, {{1}}), CAST(length({{0}}) AS INTEGER))")
    define(_name, "varchar", _same, f"{_name}({{0}}, athena_spaces())")
    define(_name, "varchar,varchar", _same, _name + "({0}, {1})")
define("concat", "char,char", _joined_chars, "({0} || {1})")
for _sides in ("char,varchar", "varchar,char"):
    define("concat", _sides, lambda a: _concatenated(a).type, lambda a: _concatenated(a).sql)
define("concat", "varchar,varchar,varchar", "varchar", _joined, variadic=True)
define("concat", "varbinary,varbinary,varbinary", "varbinary", _joined, variadic=True)
define("concat", "array(T),array(T),array(T)", "array(T)", _joined_arrays, variadic=True)
define("concat_ws", "varchar,array(varchar)", "varchar", lambda a: joined(a[1].sql, a[0]))
define("concat_ws", "varchar,varchar,varchar", "varchar", _joined_with, variadic=True)
for _more, _macro in (("", "athena_substr({0}, {1})"), (",bigint", "athena_substr_length({0}, {1}, {2})")):
    define("substr substring", f"char,bigint{_more}", lambda a: types.varchar(a[0].type.precision), _macro)
define("substr substring", "varchar,bigint", _same, "athena_substr({0}, {1})")
define("substr substring", "varchar,bigint,bigint", _same, "athena_substr_length({0}, {1}, {2})")
define("substr", "varbinary,bigint", "varbinary", "athena_substr_bytes({0}, {1}, 9223372036854775807)")
define("substr", "varbinary,bigint,bigint", "varbinary", "athena_substr_bytes({0}, {1}, {2})")
define("strpos", "varchar,varchar", "bigint", "strpos({0}, {1})")
define("strpos", "varchar,varchar,bigint", "bigint", "athena_strpos({0}, {1}, {2})", fails=True)
define("replace", "varchar,varchar", _same, "replace({0}, {1}, '')")
define("replace", "varchar,varchar,varchar", "varchar", "athena_replace({0}, {1}, {2})")
define("lpad", "varchar,bigint,varchar", "varchar", "athena_lpad({0}, {1}, {2})", fails=True)
define("rpad", "varchar,bigint,varchar", "varchar", "athena_rpad({0}, {1}, {2})", fails=True)
define("split", "varchar,varchar", _texts_like, "athena_split({0}, {1})", fails=True)
define("split", "varchar,varchar,bigint", _texts_like, "athena_split_limit({0}, {1}, {2})", fails=True)
define("split_part", "varchar,varchar,bigint", _same, "athena_split_part({0}, {1}, {2})", fails=True)
define(
    "split_to_map", "varchar,varchar,varchar", "map(varchar,varchar)", "athena_split_to_map({0}, {1}, {2})", fails=True
)
define(
    "split_to_multimap",
    "varchar,varchar,varchar",
    "map(varchar,array(varchar))",
    "athena_split_to_multimap({0}, {1}, {2})",
    fails=True,
)
define("starts_with", "varchar,varchar", "boolean", "starts_with({0}, {1})")
define("ends_with", "varchar,varchar", "boolean", "ends_with({0}, {1})")
define("translate", "varchar,varchar,varchar", "varchar", "athena_translate({0}, {1}, {2})")
define("chr", "bigint", lambda _: types.varchar(1), "athena_chr({0})", fails=True)
define("codepoint", "varchar", "integer", "athena_codepoint({0})", fails=True)
define("levenshtein_distance", "varchar,varchar", "bigint", "athena_distance({0}, {1})", fails=True)
define("hamming_distance", "varchar,varchar", "bigint", "athena_hamming({0}, {1})", fails=True)
define("soundex", "varchar", lambda _: types.varchar(4), "athena_soundex({0})", fails=True)
define("luhn_check", "varchar", "boolean", "athena_luhn_check({0})", fails=True)
define("normalize", "varchar,varchar", "varchar", "athena_normalize({0}, {1})")
define("word_stem", "varchar", _same, "athena_word_stem({0})")
define("format_number", "double", "varchar", "athena_format_number({0})")
define("human_readable_seconds", "double", "varchar", "athena_human_readable_seconds({0})", fails=True)
define(
    "parse_data_size",
    "varchar",
    lambda _: types.decimal(38, 0),
    "CAST(athena_parse_data_size({0}) AS DECIMAL(38, 0))",
    fails=True,
)
define("to_utf8", "varchar", "varbinary", "encode({0})")
define("from_utf8", "varbinary", "varchar", "athena_from_utf8({0}, chr(65533))")
define("from_utf8", "varbinary,varchar", "varchar", "athena_from_utf8({0}, {1})")
define("to_hex", "varbinary", "varchar", "hex({0})")
define("from_hex", "varchar", "varbinary", "athena_from_hex({0})", fails=True)
define("to_base64", "varbinary", "varchar", "to_base64({0})")
define("from_base64", "varchar", "varbinary", "athena_from_base64({0})", fails=True)
define("from_base64", "varbinary", "varbinary", "athena_from_base64(athena_latin({0}))", fails=True)
define("to_base32", "varbinary", "varchar", "athena_to_base32({0})")
define("from_base32", "varchar", "varbinary", "athena_from_base32({0})", fails=True)
define("from_base32", "varbinary", "varbinary", "athena_from_base32(athena_latin({0}))", fails=True)
define("to_base64url", "varbinary", "varchar", "translate(to_base64({0}), '+/', '-_')")
define("from_base64url", "varchar", "varbinary", "athena_from_base64(translate({0}, '-_', '+/'))", fails=True)
define(
    "from_base64url",
    "varbinary",
    "varbinary",
    "athena_from_base64(translate(athena_latin({0}), '-_', '+/'))",
    fails=True,
)
define("from_hex", "varbinary", "varbinary", "athena_from_hex(athena_latin({0}))", fails=True)
define("to_big_endian_32", "integer", "varbinary", "athena_to_big_endian_32({0})")
define("from_big_endian_32", "varbinary", "integer", "CAST(athena_from_big_endian_32({0}) AS INTEGER)", fails=True)
for _bits, _float in ((32, "real"), (64, "double")):
    define(f"to_ieee754_{_bits}", _float, "varbinary", f"athena_to_ieee754({{0}}, {_bits // 8})")
    _held = "FLOAT" if _float == "real" else "DOUBLE"
    define(
        f"from_ieee754_{_bits}",
        "varbinary",
        _float,
        f"CAST(athena_from_ieee754({{0}}, {_bits // 8}) AS {_held})",
        fails=True,
    )
for _name in ("md5", "sha1", "sha256", "sha512", "xxhash64", "murmur3"):
    define(_name, "varbinary", "varbinary", f"athena_digest({{0}}, '{_name}')")
for _name in ("md5", "sha1", "sha256", "sha512"):
    define(f"hmac_{_name}", "varbinary,varbinary", "varbinary", f"athena_hmac({{0}}, {{1}}, '{_name}')")
define("crc32", "varbinary", "bigint", "athena_crc32({0})")
define("to_big_endian_64", "bigint", "varbinary", "athena_to_big_endian({0})")
define("from_big_endian_64", "varbinary", "bigint", "athena_from_big_endian({0})", fails=True)

for _part in ("host", "path", "port", "protocol", "query", "fragment"):
    _type: Result = "bigint" if _part == "port" else _same
    define(f"url_extract_{_part}", "varchar", _type, f"athena_url_{_part}({{0}})")
define("url_extract_parameter", "varchar,varchar", _same, "athena_url_parameter({0}, {1})")
define("url_encode", "varchar", "varchar", "athena_url_encode({0})")
define("url_decode", "varchar", "varchar", "athena_url_decode({0})", fails=True)

define("regexp_like", "varchar,varchar", "boolean", "athena_regexp_like({0}, {1})", fails=True)
define("regexp_extract", "varchar,varchar", _same, "athena_regexp_extract({0}, {1}, 0)", fails=True)
define("regexp_extract", "varchar,varchar,bigint", _same, "athena_regexp_extract({0}, {1}, {2})", fails=True)
define("regexp_extract_all", "varchar,varchar", _texts_like, "athena_regexp_extract_all({0}, {1}, 0)", fails=True)
define(
    "regexp_extract_all",
    "varchar,varchar,bigint",
    _texts_like,
    "athena_regexp_extract_all({0}, {1}, {2})",
    fails=True,
)
define("regexp_replace", "varchar,varchar", _same, "athena_regexp_replace({0}, {1}, '')", fails=True)
define("regexp_replace", "varchar,varchar,varchar", "varchar", "athena_regexp_replace({0}, {1}, {2})", fails=True)
define(
    "regexp_replace",
    "varchar,varchar,function(array(varchar),varchar)",
    "varchar",
    "athena_regexp_weave({0}, {1}, list_transform(athena_regexp_groups({0}, {1}), {2}))",
    fails=True,
)
define("regexp_split", "varchar,varchar", _texts_like, "athena_regexp_split({0}, {1})", fails=True)
define("regexp_count", "varchar,varchar", "bigint", "athena_regexp_count({0}, {1})", fails=True)
define("regexp_position", "varchar,varchar", "integer", "athena_regexp_position({0}, {1}, 1, 1)", fails=True)
define("regexp_position", "varchar,varchar,bigint", "integer", "athena_regexp_position({0}, {1}, {2}, 1)", fails=True)
define(
    "regexp_position",
    "varchar,varchar,bigint,bigint",
    "integer",
    "athena_regexp_position({0}, {1}, {2}, {3})",
    fails=True,
)
