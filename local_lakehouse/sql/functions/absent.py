"""Athena functions that the local Athena reports as unsupported instead of unknown.

https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html
"""

_NAMES = frozenset(
    """
    approx_set bar beta_cdf bing_tiles_around char2hexint classify
    color convex_hull_agg cosine_distance cosine_similarity dot_product empty_approx_set euclidean_distance
    evaluate_classifier_predictions features from_encoded_polyline
    from_geojson_geometry from_iso8601_timestamp_nanos
    geometry_from_hadoop_shape geometry_invalid_reason geometry_nearest_points geometry_to_bing_tiles geometry_union
    geometry_union_agg great_circle_distance hash_counts index intersection_cardinality inverse_beta_cdf
    invoker_principal jaccard_index learn_classifier learn_libsvm_classifier learn_libsvm_regressor learn_regressor
    line_interpolate_point line_interpolate_points line_locate_point make_set_digest merge merge_set_digest
    numeric_histogram qdigest_agg quantile_at_value regress render rgb simplify_geometry spatial_partitioning
    spatial_partitions spooky_hash_v2_32 spooky_hash_v2_64 tdigest_agg to_char to_date
    to_encoded_polyline to_geojson_geometry to_geometry to_spherical_geography
    to_timestamp value_at_quantile values_at_quantiles
    """.split()  # noqa: SIM905 - a string of words is shorter than a list
)
_FAMILIES = ("st_", "bing_tile")


def is_absent(name: str) -> bool:
    """Return whether a function exists in Athena but is not supported here."""
    return name in _NAMES or name.startswith(_FAMILIES)
