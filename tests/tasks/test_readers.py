import gzip
import json
import shutil
from pathlib import Path

import pytest

from stages.contracts.errors import InputError
from stages.tasks import data
from stages.tasks.files import File, locate
from stages.tasks.registry import BENCHMARKS
from stages.tasks.sources import SOURCES
from tests.tasks.places import ITEMS

EVALUATED = {
    "jcommonsenseqa": 4,
    "jemhopqa": 4,
    "niilc": 4,
    "jsquad": 4,
    "xlsum_ja": 3,
    "mgsm_ja": 4,
    "wmt20_en_ja": 7,
    "wmt20_ja_en": 7,
    "jmmlu": 37,
    "jhumaneval": 3,
    "openbookqa": 4,
    "triviaqa": 4,
    "hellaswag": 4,
    "squad2": 4,
    "xwino": 8,
    "mmlu": 6,
    "gsm8k": 4,
    "bbh": 27,
    "humaneval": 3,
}
"""Of the project's own items; for JMMLU 53 subjects x 2 rows, half of them, less the 16 that are moved."""


def file_of(benchmark: str, key: str, path: Path) -> File:
    source = next(source for source in SOURCES[benchmark] if source.key == key)
    return File(source, path, "", str(path.parent))


def rows_of(benchmark: str, key: str) -> list[dict[str, object]]:
    return next(data.read(benchmark, f) for f in locate(benchmark, ITEMS) if f.source.key == key)


@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_the_record_names_files_and_their_checksums(benchmark):
    record = data.describe(benchmark, ITEMS)
    assert len(data.load(benchmark, ITEMS, record.sha256).test) == EVALUATED[benchmark]
    assert all((ITEMS / file.name).is_file() and len(file.sha256) == 64 for file in record.files)
    assert record.source == str(ITEMS)
    assert record.revision == ""  # the project's own items are no publisher's
    assert len(record.sha256) == 64
    assert record == data.describe(benchmark, ITEMS)


def test_the_record_changes_with_an_example(tmp_path):
    for name in ("train.jsonl", "test.jsonl"):
        (tmp_path / "gsm8k").mkdir(exist_ok=True)
        (tmp_path / "gsm8k" / name).write_bytes((ITEMS / "gsm8k" / name).read_bytes())
    before = data.describe("gsm8k", tmp_path)
    train = tmp_path / "gsm8k" / "train.jsonl"
    train.write_text(train.read_text().replace("pears", "plums"))
    after = data.describe("gsm8k", tmp_path)
    assert before.sha256 != after.sha256
    with pytest.raises(InputError, match="gsm8k: its files changed since the evaluation began"):
        data.load("gsm8k", tmp_path, before.sha256)
    assert len(data.load("gsm8k", tmp_path, after.sha256).test) == EVALUATED["gsm8k"]


def test_a_file_that_changes_between_checksum_and_reading_is_refused(tmp_path):
    shutil.copytree(ITEMS / "gsm8k", tmp_path / "gsm8k")
    _, test = locate("gsm8k", tmp_path)
    test.path.write_bytes(test.path.read_bytes().replace(b"####", b"###"))
    with pytest.raises(InputError, match=r"test.jsonl changed while it was read: run the same command again"):
        data.read("gsm8k", test)


def test_wmt20_reads_the_markup_as_sacrebleu_does(tmp_path):
    from sacrebleu.dataset.fake_sgml import FakeSGMLDataset

    markup = (
        '<srcset setid="newstest2020" srclang="any">\n<doc docid="a">\n<p>\n'
        '<seg id="1">One &amp; two.  Three</seg>\n<seg id="2"> a > b &lt;c> </seg> \n</p>\n</doc>\n</srcset>\n'
    )
    path, plain = tmp_path / "source.sgm", tmp_path / "source.txt"
    path.write_text(markup, encoding="utf-8")
    FakeSGMLDataset("any", langpairs={})._convert_format(str(path), str(plain))
    rows = [data.read("wmt20_en_ja", file_of("wmt20_en_ja", "source", each)) for each in (path, plain)]
    assert rows[0] == rows[1]
    assert [row["text"] for row in rows[0]] == ["One &amp; two. Three", "a > b &lt;c>"]


def test_niilc_leaves_out_questions_without_answer_and_joins_answers():
    train = rows_of("niilc", "train")
    assert [row["id"] for row in train] == [f"OWN-{n:03d}-01" for n in (1, 2, 4, 5, 6, 7)]
    prefectures = train[4]
    assert prefectures["output"] == "香川県,徳島県,愛媛県,高知県"
    assert prefectures["answers"] == ["香川県", "徳島県", "愛媛県", "高知県"]


def test_jsquad_keeps_the_separator_and_the_first_answer():
    row = rows_of("jsquad", "test")[1]
    assert row["input"].startswith("文章：駅 [SEP] 駅前の時計台")
    assert row["input"].endswith("\n質問：鐘はいつ鳴るか？")
    assert (row["output"], row["answers"]) == ("毎正時", ["毎正時", "正時"])


def test_jmmlu_reads_a_file_with_byte_order_mark():
    row = rows_of("jmmlu", "anatomy")[0]
    assert row["input"].startswith("質問：42に3を足すといくつか？（anatomy）\n選択肢：A.")
    assert row["output"] == "A"


def test_mgsm_numbers_lose_their_thousands_separator():
    assert [row["number"] for row in rows_of("mgsm_ja", "test")] == [7, 2400, 40, -2]


def test_mgsm_exemplars_are_read_as_literals_and_never_run(tmp_path):
    program = tmp_path / "exemplars.py"
    ran = tmp_path / "ran"
    program.write_text(f'open({str(ran)!r}, "w")\nMGSM_EXEMPLARS = {{"ja": {{"1": {{"q": "問", "a": "答"}}}}}}\n')
    assert data.read("mgsm_ja", file_of("mgsm_ja", "train", program)) == [
        {"id": "exemplar/1", "question": "問", "answer": "答"}
    ]
    assert not ran.exists()


def test_xwino_takes_english_rows_and_finds_quoted_pronouns():
    rows = rows_of("xwino", "test")
    assert len(rows) == 8
    stop = next(row for row in rows if "Stop" in row["before"])
    assert stop["before"] == 'Ben called "Stop!" to Tom when '
    assert stop["after"] == "saw the car."
    assert stop["options"][stop["gold"]] == "Ben"


def test_code_prompts_keep_their_last_newline():
    for benchmark in ("humaneval", "jhumaneval"):
        assert all(row["prompt"].endswith('    """\n') for row in rows_of(benchmark, "test"))


def test_jmmlu_has_one_kind_of_line_end(tmp_path):
    path = tmp_path / "anatomy.csv"
    path.write_bytes('"一行\r\n二行",1,2,3,4,B\r\n'.encode())
    (row,) = data.read("jmmlu", file_of("jmmlu", "anatomy", path))
    assert row["input"] == "質問：一行\n二行\n選択肢：A.1,B.2,C.3,D.4"


def test_openbookqa_key_may_have_white_space():
    assert rows_of("openbookqa", "test")[3]["gold"] == 3


def test_wmt20_lines_that_do_not_pair_are_refused(tmp_path):
    (tmp_path / "wmt20_en_ja").mkdir()
    (tmp_path / "wmt20_en_ja" / "source.txt").write_text("a\nb\n")
    (tmp_path / "wmt20_en_ja" / "reference.txt").write_text("あ\n")
    with pytest.raises(InputError, match="2 source lines, but 1 reference lines"):
        data.load("wmt20_en_ja", tmp_path)


def test_records_are_read_from_parquet_as_they_are_published(tmp_path):
    import pyarrow
    import pyarrow.parquet

    rows = [json.loads(line) for line in (ITEMS / "triviaqa" / "validation.jsonl").read_text().splitlines()]
    path = tmp_path / "validation.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert data.read("triviaqa", file_of("triviaqa", "test", path)) == rows_of("triviaqa", "test")


def test_records_are_read_from_csv_as_they_are_published(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text('id,url,title,summary,text\nown-1,u,t,要約,"一行\n二行"\n', encoding="utf-8")
    row = {"id": "own-1", "text": "一行\n二行", "summary": "要約"}
    assert data.read("xlsum_ja", file_of("xlsum_ja", "test", path)) == [row]


@pytest.mark.parametrize(
    ("benchmark", "key", "content"),
    [
        ("gsm8k", "test", b'{"question": "q"}\n'),
        ("jemhopqa", "test", b'{"qid": 1'),
        ("niilc", "test", b"<questions><question>"),
        ("jmmlu", "anatomy", "質問,1,2,3,4,E\n".encode()),
        ("humaneval", "test", gzip.compress(b'{"task_id": 1}\n', mtime=0)),
        ("humaneval", "test", b"not gzip"),
        ("mgsm_ja", "train", b"MGSM_EXEMPLARS = call()\n"),
        ("mgsm_ja", "train", b"nothing = {}\n"),
        ("xwino", "test", b'en\tx\t?\tNo such token.\t["Other"]\t["it", [0, 1], ["it"]]\t[]\n'),
    ],
)
def test_malformed_file_is_one_line(tmp_path, benchmark, key, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        data.read(benchmark, file_of(benchmark, key, path))
    assert len(caught.value.problems) == 1
    assert f"{benchmark}: {path} is not as published at " in caught.value.problems[0]


def test_file_without_items_is_refused(tmp_path):
    (tmp_path / "humaneval").mkdir()
    (tmp_path / "humaneval" / "HumanEval.jsonl.gz").write_bytes(gzip.compress(b"", mtime=0))
    with pytest.raises(InputError, match="humaneval: no items"):
        data.load("humaneval", tmp_path)
