"""The canonical form of parameters: one value one text, one text one value, and no fall-back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model

from tools.errors import ParameterError
from tools.geotypes import AnyRef, Canonical, CrsText, FactRef, Params, RasterRef, VectorRef, Where
from tools.memo.canonical import decode, encode, encode_params, references

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8"))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
)


def same(one: object, other: object) -> bool:
    """Equal, and of equal types all the way down: 1, 1.0 and True are three values, and so are 0.0 and -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return repr(one) == repr(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


@given(values)
def test_value_can_be_read_back_from_its_text(value: object) -> None:
    assert same(decode(encode(value, "x")), value)


@given(values, values)
def test_two_values_have_one_text_only_if_they_are_the_same(one: object, other: object) -> None:
    assert (encode(one, "x") == encode(other, "x")) is same(one, other)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(), min_size=2))
def test_order_of_a_mapping_does_not_matter_and_order_of_a_list_does(mapping: dict[str, int]) -> None:
    turned = dict(reversed(mapping.items()))
    assert encode(mapping, "x") == encode(turned, "x")
    assert encode(list(mapping), "x") != encode(list(turned), "x")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", 1),
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (None, "None"),
        ([], ()),
        ([1, [2]], [[1], 2]),
        (["ab", "c"], ["a", "bc"]),
        ("int1:5", 5),
        (date(2020, 1, 1), datetime(2020, 1, 1)),  # noqa: DTZ001
        (datetime(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)),  # noqa: DTZ001
        (b"a", "a"),
        ({"a": 1}, [["a", 1]]),
    ],
)
def test_values_that_look_alike_differ(one: object, other: object) -> None:
    assert encode(one, "x") != encode(other, "x")


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e300, 5e-324, 1 / 3])
def test_float_keeps_full_precision(value: float) -> None:
    assert decode(encode(value, "x")) == value


def test_float_field_reads_an_integer_and_a_float_alike_and_so_its_default() -> None:
    class Sizes(Params):
        size: float = 1

    assert encode_params(Sizes()) == encode_params(Sizes(size=1)) == encode_params(Sizes(size=1.0)) == {"size": "float3:1.0"}


class Colour(Enum):
    RED = 1


class Word(StrEnum):
    RED = "red"


def test_enumeration_is_neither_its_value_nor_another_enumeration() -> None:
    assert len({encode(value, "x") for value in (Colour.RED, 1, Word.RED, "red")}) == 4


class Inner(Params):
    width: float


class Other(Params):
    width: float


def test_model_is_tagged_with_its_name_so_that_arms_of_a_union_differ() -> None:
    class Outer(Params):
        part: Inner | Other

    one, other = Outer(part=Inner(width=1)), Outer(part=Other(width=1))
    assert encode_params(one) != encode_params(other)


@pytest.mark.parametrize("value", [object(), 1j, {1: object()}, [set(), lambda: None], type("Sub", (str,), {})("a")])
def test_unknown_type_is_an_error_that_names_the_parameter(value: object) -> None:
    class Loose(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        deep: list[Any]

    with pytest.raises(ParameterError, match=r"Parameter deep\[1\]"):
        encode_params(Loose(deep=[0, value]))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_is_no_number_or_no_text_is_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="Parameter x cannot be"):
        encode(value, "x")


class Everything(Params):
    raster: RasterRef
    maybe: VectorRef | None = None
    many: list[AnyRef] = Field(default_factory=list)
    named: dict[str, FactRef] = Field(default_factory=dict)
    described: VectorRef | None = Field(default=None, description="A layer.")
    crs: CrsText = "EPSG:4326"
    where: Where = Where()


def test_references_are_found_wherever_they_stand() -> None:
    params = Everything(raster="dem", maybe="parks", many=["x", "y"], named={"a.b": "a:12345678#facts/0"}, described="z")
    found = {marked.path: (marked.text, marked.reference.kind) for marked in references(params)}
    assert found == {
        "raster": ("dem", "raster"),
        "maybe": ("parks", "vector"),
        "many[0]": ("x", "any"),
        "many[1]": ("y", "any"),
        'named["a.b"]': ("a:12345678#facts/0", "fact"),
        "described": ("z", "vector"),
    }


def test_names_of_inputs_never_enter_the_text() -> None:
    one = Everything(raster="dem", maybe="parks", many=["x"], named={"a": "a:12345678#facts/0"})
    other = Everything(raster="other", maybe="woods", many=["y"], named={"a": "a:87654321#facts/1"})
    assert encode_params(one) == encode_params(other)
    assert encode_params(one) != encode_params(Everything(raster="dem", many=["x"], named={"a": "a:12345678#facts/0"}))


def test_marked_text_is_encoded_by_its_own_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.geotypes import CANONICAL

    monkeypatch.setitem(CANONICAL, "lower", str.lower)

    class Named(Params):
        name: Annotated[str, Canonical("lower")]
        maybe: Annotated[str, Canonical("lower")] | None = None

    assert encode_params(Named(name="ABC", maybe="D")) == encode_params(Named(name="abc", maybe="d"))


def test_crs_is_the_same_however_it_is_written() -> None:
    assert encode_params(Everything(raster="d", crs="epsg:32632")) == encode_params(
        Everything(raster="d", crs="urn:ogc:def:crs:EPSG::32632")
    )


def test_union_that_leaves_open_whether_a_text_is_a_reference_is_a_bug_of_the_tool() -> None:
    unclear = create_model("Unclear", source=(VectorRef | str, ...))
    with pytest.raises(TypeError, match="leaves open"):
        references(unclear(source="x"))


@given(st.sampled_from(["=", "<", "contains"]), st.text(st.characters(codec="utf-8")) | st.integers(-(2**63), 2**64 - 1) | st.booleans())
def test_conditions_survive_the_round_trip(op: Literal["=", "<", "contains"], value: str | int | bool) -> None:
    where = Where.model_validate({"conditions": [{"column": "c", "op": op, "value": value}]})
    assert decode(encode_params(Everything(raster="d", where=where))["where"]) == where.model_dump()
