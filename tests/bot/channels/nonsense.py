"""Values an authentic document may hold although no platform would write them."""

from typing import Any

from hypothesis import strategies as st

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)


def nests(values: list[str], names: list[str]) -> st.SearchStrategy[Any]:
    """Nest plain values, also these, under these names."""
    return st.recursive(
        PLAIN | st.sampled_from(values),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner),
        max_leaves=6,
    )
