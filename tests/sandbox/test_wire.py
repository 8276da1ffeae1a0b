"""What crosses the pipe between the jails: plain data, unchanged, and never anything else."""

import json
import math
import os
import struct
from collections import Counter, OrderedDict, deque, namedtuple
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.sandbox.wire import ClosedError, Opaque, decode, dump, encode, outcome_of, receive, send

KEYS = st.one_of(st.integers(), st.text(), st.booleans(), st.none(), st.tuples(st.integers(), st.text()))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**70),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(),
    st.binary(),
    st.fractions(),
    st.decimals(allow_nan=False),
    st.builds(range, st.integers(), st.integers(), st.integers(min_value=1)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.lists(inner, max_size=4).map(deque),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
    ),
    max_leaves=12,
)


def travel(value):
    return decode(json.loads(dump({"value": encode(value)}))["value"])


def shape(value):
    """The types at every depth, which `==` does not compare: 1 == True == 1.0."""
    if isinstance(value, dict):
        return (dict, [(shape(k), shape(v)) for k, v in value.items()])
    if isinstance(value, list | tuple | deque):
        return (type(value), [shape(v) for v in value])
    if isinstance(value, set | frozenset):
        return (type(value), sorted(str(shape(v)) for v in value))
    return type(value)


@given(VALUES)
def test_plain_data_arrive_equal_and_of_the_same_types(value):
    arrived = travel(value)
    assert arrived == value
    assert shape(arrived) == shape(value)


def test_signed_zero_nan_and_infinity_arrive():
    minus_zero, nan, infinity = travel([-0.0, math.nan, -math.inf])
    assert math.copysign(1, minus_zero) == -1
    assert math.isnan(nan)
    assert infinity == -math.inf


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Counter("aab"), dict),
        (OrderedDict(b=1, a=2), dict),
        (namedtuple("Point", "x y")(1, 2), tuple),
        (Colour.RED, int),
        (Decimal("0.10"), Decimal),
        (Fraction(1, 3), Fraction),
        ({1: 2}.keys(), type({}.keys())),
        ({1: 2}.items(), type({}.items())),
    ],
)
def test_subclasses_arrive_as_their_base_and_compare_as_they_would(value, kind):
    arrived = travel(value)
    assert type(arrived) is kind
    assert arrived == value


def test_iterators_arrive_as_iterators_not_as_the_lists_they_yield():
    arrived = travel(x * x for x in range(3))
    assert arrived != [0, 1, 4]
    assert list(arrived) == [0, 1, 4]
    assert list(travel({1: 5, 2: 5}.values())) == [5, 5]


class EqualToAll:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = None


class SevenEqualToAll(int):
    __eq__ = EqualToAll.__eq__
    __hash__ = int.__hash__


def test_an_object_that_equals_everything_arrives_as_one_that_equals_nothing():
    assert EqualToAll() == 3
    arrived = travel([EqualToAll(), SevenEqualToAll(7)])
    assert isinstance(arrived[0], Opaque)
    assert arrived[0] != 3
    assert type(arrived[1]) is int
    assert arrived[1] == 7
    assert arrived[1] != 3


@pytest.mark.parametrize(
    "data",
    [
        {"no such type": []},
        {"tuple": [], "list": []},
        {},
        {"dict": [1]},
        {"dict": [{"tuple": [[], 1]}]},
        {"set": [[1]]},
        {"bytes": "xyz"},
        {"int": "not hex"},
        {"int": 5},
        {"range": [0, "a"]},
        {"range": [0, 1, 0]},
        {"tuple": 5},
    ],
)
def test_data_that_encode_cannot_have_written_are_refused(data):
    with pytest.raises((KeyError, TypeError, ValueError)):
        decode(data)


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


def test_frames_arrive_one_by_one(pipe):
    reader, writer = pipe
    for number in range(3):
        send(writer, dump({"n": number}))
    assert [receive(reader, 100)["n"] for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">I", 101) + b"x" * 101,
        struct.pack(">I", 2**32 - 1),
        struct.pack(">I", 4) + b"[1]\n",
        struct.pack(">I", 3) + b"{a}",
        struct.pack(">I", 2) + b"\xff\xfe",
        b"passed\n" * 3,
    ],
)
def test_frames_too_long_or_without_an_object_are_refused(pipe, frame):
    reader, writer = pipe
    os.write(writer, frame)
    os.close(writer)
    with pytest.raises(ValueError, match=r".+"):
        receive(reader, 100)


def test_a_frame_cut_short_and_a_reader_gone_are_told_as_closed(pipe):
    reader, writer = pipe
    os.write(writer, struct.pack(">I", 50) + b"{")
    os.close(writer)
    with pytest.raises(ClosedError):
        receive(reader, 100)
    other_reader, other_writer = os.pipe()
    os.close(other_reader)
    with pytest.raises(ClosedError):
        send(other_writer, b"{}")
    os.close(other_writer)


def raised(code):
    with pytest.raises(BaseException) as caught:  # noqa: PT011  the classes are the parameters
        exec(code, {})
    return caught.value


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("assert 1 == 2", "failed"),
        ("raise MemoryError", "memory"),
        ("open('/no/such/file')", "forbidden"),
        ("try:\n open('/no/such/file')\nexcept OSError as e:\n raise ValueError('x') from e", "forbidden"),
        ("try:\n open('/no/such/file')\nexcept OSError:\n raise ValueError('x')", "forbidden"),
        ('raise RuntimeError("can\'t start new thread")', "forbidden"),
        ("raise FileNotFoundError('said by the program itself')", "error"),
        ("1 / 0", "error"),
        ("raise SystemExit(0)", "error"),
        ("e = ValueError()\ne.__cause__ = e\nraise e", "error"),
    ],
)
def test_outcome_of_an_exception(code, outcome):
    assert outcome_of(raised(code)) == outcome
