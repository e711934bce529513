"""Volatility of PostgreSQL's built-in functions and casts, taken from `pg_proc` of versions 13 to 18.

A name has the most volatile class of all its overloads in all versions, except `timezone` (AT TIME ZONE),
which is volatile in old versions for `timetz` only, and stable here. Functions that nobody calls in a
migration (input and output of types, support of operators and indexes, administration) are left out: of them,
as of every function that is not built in, nothing is known here, and the caller assumes volatile. Unqualified
names are looked up in pg_catalog first (manual: "Schemas and Privileges"), so a user's function cannot hide
one of these.
"""

from __future__ import annotations

from typing import Literal

Volatility = Literal["i", "s", "v"]


def _words(table: str) -> frozenset[str]:
    return frozenset(table.split())


_IMMUTABLE = _words("""
    abbrev abs acldefault acos acosd acosh any_value area array_agg array_append array_cat array_dims
    array_fill array_length array_lower array_ndims array_position array_positions array_prepend
    array_remove array_replace array_reverse array_sort array_to_tsvector array_upper ascii asin asind
    asinh atan atan2 atan2d atand atanh avg bit bit_and bit_count bit_length bit_or bit_xor bool
    bool_and bool_or box bpchar broadcast bytea cardinality casefold cash_words cbrt ceil ceiling center
    char char_length character_length chr cidr circle coalesce corr cos cosd cosh cot cotd count
    covar_pop covar_samp crc32 crc32c cume_dist date_bin datemultirange daterange decode degrees
    dense_rank dexp diagonal diameter dist_bl dist_lb div dlog1 dlog10 dround dtrunc encode erf erfc
    every exp factorial family first_value float4 float8 floor gamma gcd generate_subscripts get_bit
    get_byte greatest grouping height host hostmask icu_unicode_version initcap int2 int4 int4multirange
    int4range int8 int8multirange int8range interval is_normalized isclosed isempty isfinite
    ishorizontal isopen isparallel isperp isvertical json_array_elements json_array_elements_text
    json_array_length json_each json_each_text json_object_keys json_strip_nulls json_typeof
    jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_concat jsonb_each
    jsonb_each_text jsonb_exists jsonb_insert jsonb_object jsonb_object_agg jsonb_object_agg_strict
    jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_object_keys jsonb_path_exists
    jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_pretty
    jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_typeof justify_days justify_hours justify_interval
    lag last_value lcm lead least left lgamma like like_escape line ln log log10 lower lower_inc
    lower_inf lpad lseg ltrim macaddr macaddr8 macaddr8_set7bit make_date make_interval make_time
    make_timestamp makeaclitem masklen max md5 min min_scale mod mode multirange name nameconcatoid
    netmask network normalize notlike npoints nth_value ntile nullif num_nonnulls num_nulls
    numeric_div_trunc numeric_exp numeric_fac numeric_inc numeric_ln numeric_log numeric_sqrt
    nummultirange numnode numrange numrange_subdiff octet_length oid overlay parse_ident path
    path_center pclose percent_rank percentile_cont percentile_disc pi point polygon popen position
    postgresql_fdw_validator pow power querytree quote_ident radians radius range_agg
    range_intersect_agg range_merge rank regexp_count regexp_instr regexp_like regexp_match
    regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr regr_avgx
    regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace
    reverse right round row_number rpad rtrim satisfies_hash_partition scale set_bit set_byte
    set_masklen setweight sha224 sha256 sha384 sha512 shell_in shell_out sign similar_escape
    similar_to_escape sin sind sinh slope split_part sqrt starts_with stddev stddev_pop stddev_samp
    string_agg string_to_array string_to_table strip strpos substr substring sum tan tand tanh text
    texticlike textlen to_ascii to_bin to_hex to_oct translate trim trim_array trim_scale trunc
    ts_delete ts_filter ts_lexize ts_rank ts_rank_cd tsmultirange tsquery_phrase tsrange tsrange_subdiff
    tstzmultirange tstzrange tstzrange_subdiff tsvector_concat tsvector_to_array txid_snapshot_xip
    txid_snapshot_xmax txid_snapshot_xmin txid_visible_in_snapshot unicode_assigned unicode_version
    unistr unnest upper upper_inc upper_inf uuid_extract_timestamp uuid_extract_version var_pop var_samp
    varbit varchar variance width width_bucket xid xml_is_well_formed_content
    xml_is_well_formed_document xmltext xmlvalidate xpath xpath_exists
    """)
_STABLE = _words("""
    aclexplode age array_to_json array_to_string col_description concat concat_ws convert convert_from
    convert_to current_catalog current_database current_date current_role current_schema current_schemas
    current_setting current_time current_timestamp current_user database_to_xml
    database_to_xml_and_xmlschema database_to_xmlschema date date_add date_part date_subtract date_trunc
    enum_first enum_last enum_range extract format format_type generate_series get_current_ts_config
    getdatabaseencoding getpgusername has_any_column_privilege has_column_privilege
    has_database_privilege has_foreign_data_wrapper_privilege has_function_privilege
    has_language_privilege has_largeobject_privilege has_parameter_privilege has_schema_privilege
    has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege
    has_type_privilege inet_client_addr inet_client_port inet_server_addr inet_server_port json json_agg
    json_agg_strict json_array json_arrayagg json_build_array json_build_object json_exists json_object
    json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict
    json_objectagg json_populate_record json_populate_recordset json_query json_scalar json_serialize
    json_to_record json_to_recordset json_to_tsvector json_value jsonb_agg jsonb_agg_strict
    jsonb_build_array jsonb_build_object jsonb_path_exists_tz jsonb_path_match_tz
    jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
    jsonb_populate_record_valid jsonb_populate_recordset jsonb_to_record jsonb_to_recordset
    jsonb_to_tsvector length localtime localtimestamp make_timestamptz money mxid_age now numeric
    obj_description oidvectortypes overlaps pg_typeof phraseto_tsquery plainto_tsquery quote_literal
    quote_nullable regclass row_security_active row_to_json schema_to_xml schema_to_xml_and_xmlschema
    schema_to_xmlschema session_user shobj_description statement_timestamp system_user table_to_xml
    table_to_xml_and_xmlschema table_to_xmlschema time timestamp timestamptz timetz to_char to_date
    to_json to_jsonb to_number to_regclass to_regcollation to_regnamespace to_regoper to_regoperator
    to_regproc to_regprocedure to_regrole to_regtype to_regtypemod timezone to_timestamp to_tsquery
    to_tsvector transaction_timestamp ts_debug ts_headline ts_parse ts_token_type txid_current
    txid_current_if_assigned txid_current_snapshot user version websearch_to_tsquery xml xml_is_well_formed
    xmlagg xmlcomment xmlconcat xmlelement xmlexists xmlforest xmlparse xmlpi xmlroot xmlserialize
    """)
_VOLATILE = _words("""
    array_sample array_shuffle clock_timestamp current_query currval cursor_to_xml cursor_to_xmlschema
    gen_random_uuid lastval loread lowrite nextval pg_advisory_lock pg_advisory_xact_lock pg_notify
    pg_sleep plpgsql_call_handler plpgsql_validator query_to_xml query_to_xml_and_xmlschema
    query_to_xmlschema random random_normal set_config setseed setval timeofday ts_rewrite
    ts_stat txid_status uuidv4 uuidv7
    """)

_IMMUTABLE_CASTS = _words("""
    bit bool box bytea char cidr circle float4 float8 inet int2 int4 int8 json jsonb jsonpath line lseg
    macaddr macaddr8 numeric oid path pg_lsn point polygon tid tsquery tsvector uuid varbit xid xid8
    """)
_STABLE_CASTS = _words("""
    bpchar date datemultirange daterange int4multirange int4range int8multirange int8range interval money name
    nummultirange numrange record regclass regcollation regconfig regdictionary regnamespace regoper
    regoperator regproc regprocedure regrole regtype text time timestamp timestamptz timetz tsmultirange
    tsrange tstzmultirange tstzrange varchar xml
    """)

AGGREGATES_AND_WINDOWS = _words("""
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist
    dense_rank every first_value json_agg json_agg_strict json_arrayagg json_object_agg json_object_agg_strict
    json_object_agg_unique json_object_agg_unique_strict json_objectagg jsonb_agg jsonb_agg_strict
    jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict lag
    last_value lead max min mode nth_value ntile percent_rank percentile_cont percentile_disc range_agg
    range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
    regr_sxy regr_syy row_number stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg
    """)
"""Built-in functions whose result depends on other rows (`pg_proc.prokind` a and w, 13 to 18)."""

STABLE_OPERATORS = frozenset({"+", "-", "<", "<=", "<>", "!=", "=", ">", ">=", "@@", "||"})
"""Operators with a stable form: `timestamptz + interval` and comparing date with timestamptz (both depend on
the session's TimeZone), `text @@ text` (on its text search configuration), `text || anything` (on output
formats). Which
form an expression means is known only from the types of its operands."""


def volatility_of(name: str) -> Volatility | None:
    """Return the class of a function by its folded name, `pg_catalog.` or not; None is "do not know"."""
    plain = name.removeprefix("pg_catalog.")
    if plain in _IMMUTABLE:
        return "i"
    if plain in _STABLE:
        return "s"
    return "v" if plain in _VOLATILE else None


def cast_volatility(type_name: str, *, array: bool = False) -> Volatility | None:
    """Return the class of a cast of something of unknown type to a built-in type, by its catalogue name.

    Dates and times depend on DateStyle and TimeZone, text on the output of what is cast to it, an array on
    its elements: stable. A cast of a literal is not meant: the server makes it a constant when it reads the
    statement.
    """
    plain = type_name.removeprefix("pg_catalog.")
    if plain in _STABLE_CASTS:
        return "s"
    if plain in _IMMUTABLE_CASTS:
        return "s" if array else "i"
    return None


def most_volatile(classes: set[Volatility]) -> Volatility:
    """Return the class of an expression made of parts of these classes."""
    return "v" if "v" in classes else "s" if "s" in classes else "i"
