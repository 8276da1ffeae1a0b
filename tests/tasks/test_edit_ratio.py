import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tasks import edit_ratio

pytestmark = pytest.mark.evaluation

# What fuzz.token_sort_ratio of fuzzywuzzy 0.18.0 with Levenshtein 0.27 returns.
FUZZYWUZZY = [
    ("YES", "yes", 100),
    ("", "", 100),
    ("。", "、", 100),
    ("", "x", 0),
    ("café", "cafe", 86),
    ("Ｙｅｓ", "Yes", 0),
    ("富士山", "富士の山", 86),
    ("東京 大阪", "大阪 東京", 100),
    ("12か月", "12ヶ月", 75),
    ("香川県", "香川県,徳島県,愛媛県,高知県", 33),
    ("abcdefgh", "abcdefg", 93),
    ("a", "aaaaaaa", 25),
    ("snake_case", "snake case", 50),
    # 12.5, 37.5, 62.5 and 87.5 are rounded to the even neighbour.
    ("a", "a" * 15, 12),
    ("aaa", "a" * 13, 38),
    ("a" * 5, "a" * 11, 62),
    ("a" * 7, "a" * 9, 88),
]


@pytest.mark.parametrize(("prediction", "gold", "percent"), FUZZYWUZZY)
def test_token_sort_ratio_equals_fuzzywuzzy(prediction, gold, percent):
    assert edit_ratio.token_sort_ratio(prediction, gold) == percent


@given(left=st.text(max_size=20), right=st.text(max_size=20))
def test_token_sort_ratio_is_symmetric_and_a_whole_percentage(left, right):
    ratio = edit_ratio.token_sort_ratio(left, right)
    assert isinstance(ratio, int)
    assert 0 <= ratio <= 100
    assert ratio == edit_ratio.token_sort_ratio(right, left)


@given(words=st.lists(st.text("あいう東京ab", min_size=1, max_size=4), max_size=5), data=st.data())
def test_token_sort_ratio_ignores_the_order_of_words(words, data):
    shuffled = data.draw(st.permutations(words))
    assert edit_ratio.token_sort_ratio(" ".join(words), " ".join(shuffled)) == 100


def test_best_ratio_takes_the_nearest_answer():
    assert edit_ratio.best_ratio("零度", ["0度", "零度"]) == 1.0
    assert edit_ratio.best_ratio("7日間", ["7日"]) == 0.8


def test_character_f1_is_over_the_multiset_of_characters():
    # Common: 富 and 山, so precision 2/3 and recall 2/3.
    assert edit_ratio.character_f1("富士山", "富竹山") == pytest.approx(2 / 3)
    # Order does not matter, and whitespace is no character.
    assert edit_ratio.character_f1("山 士富", "富士山") == 1.0
    # One of two a's is common: precision 1/2, recall 1.
    assert edit_ratio.character_f1("aa", "a") == pytest.approx(2 / 3)
    assert edit_ratio.character_f1("", "") == 1.0
    assert edit_ratio.character_f1("", "山") == 0.0


@pytest.mark.parametrize(("text", "empty"), [("", True), ("。、\n", True), ("é", True), ("0", False), ("東", False)])
def test_is_empty_asks_what_is_left_to_compare(text, empty):
    assert edit_ratio.is_empty(text) is empty
