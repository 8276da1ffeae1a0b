"""Where the files of each benchmark are published, and where they lie in a local folder.

A file is pinned by the revision in its address and, where it is known, by its SHA-256. Local folders keep the
publisher's file names; for sets that are published as parquet they hold JSON lines with the same columns.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.contracts.errors import InputError, raise_all
from stages.tasks.jmmlu_files import JMMLU_SHA256

DATA_DIR_VARIABLE = "OBSERVATORY_DATA_DIR"
"""Names the local folder for the plain `lm_eval` command."""

_GITHUB = "https://raw.githubusercontent.com"
_JGLUE = f"{_GITHUB}/yahoojapan/JGLUE/v1.1.0/datasets"
_JEMHOPQA = f"{_GITHUB}/aiishii/JEMHopQA/2d0ccc65d085c5e1e7a769f463243d1357779356/corpus_ver1.1"
_NIILC = f"{_GITHUB}/mynlp/niilc-qa/9830b116ceb11f55733d90c59789760c8297110c/data"
_MGSM = f"{_GITHUB}/google-research/url-nlp/452a21ad3dae5668c06ceeac21ff073e1e40f9be/mgsm"
_JMMLU = f"{_GITHUB}/nlp-waseda/JMMLU/762cbf1/JMMLU"
_JHUMANEVAL = f"{_GITHUB}/KuramitsuLab/jhuman-eval/def32e7/data"
_HUMANEVAL = f"{_GITHUB}/openai/human-eval/6d43fb980f9fee3c892a914eda09951f772ad10d/data"
_GSM8K = f"{_GITHUB}/openai/grade-school-math/3101c7d5072418e28b9008a6636bde82a006892c/grade_school_math/data"
_XWINO = f"{_GITHUB}/yandex-research/crosslingual_winograd/d2cfbbf7dc8f4ec66381e9651f9f5633c2df848d"
_XLSUM = "hf://datasets/mkshing/xlsum_ja@62c56e7d898c93e8d94390abc80660eed64ea39a/data"
_OPENBOOKQA = "hf://datasets/allenai/openbookqa@388097ea7776314e93a529163e0fea805b8a6454/main"
_TRIVIAQA = "hf://datasets/mandarjoshi/trivia_qa@0f7faf33a3908546c6fd5b73a660e0f8ff173c2f/rc.nocontext"
_HELLASWAG = "hf://datasets/Rowan/hellaswag@218ec52e09a7e7462a5400043bb9a69a41d06b76/data"
_SQUAD2 = "hf://datasets/rajpurkar/squad_v2@3ffb306f725f7d2ce8394bc1873b24868140c412/squad_v2"
_MMLU = "hf://datasets/cais/mmlu@c30699e8356da336a370243923dbaf21066bb9fe/all"
_BBH = "hf://datasets/SaylorTwift/bbh@b5306be6f827cfafbb545ff5a51f96916029b0fd"

BBH_SUBTASKS = (
    "boolean_expressions causal_judgement date_understanding disambiguation_qa dyck_languages formal_fallacies"
    " geometric_shapes hyperbaton logical_deduction_five_objects logical_deduction_seven_objects"
    " logical_deduction_three_objects movie_recommendation multistep_arithmetic_two navigate object_counting"
    " penguins_in_a_table reasoning_about_colored_objects ruin_names salient_translation_error_detection snarks"
    " sports_understanding temporal_sequences tracking_shuffled_objects_five_objects"
    " tracking_shuffled_objects_seven_objects tracking_shuffled_objects_three_objects web_of_lies word_sorting"
).split()


@dataclass(frozen=True)
class Source:
    """One file of a benchmark.

    Attributes:
        key: What it is to the reader: a split, a subject.
        name: Path below the local folder.
        url: Where it is published, revision included; sacrebleu fetches and checks "sacrebleu:..." itself.
        sha256: Of the published file; None where it is not known, then it is only recorded.
    """

    key: str
    name: str
    url: str
    sha256: str | None = None


SOURCES: dict[str, tuple[Source, ...]] = {
    "jcommonsenseqa": (
        Source(
            "train",
            "jcommonsenseqa/train-v1.1.json",
            f"{_JGLUE}/jcommonsenseqa-v1.1/train-v1.1.json",
            "9b55fae5ecb3aedd6f8ce5bc09196c3b629864668ec6c18eee4d65c0aa48229e",
        ),
        Source(
            "test",
            "jcommonsenseqa/valid-v1.1.json",
            f"{_JGLUE}/jcommonsenseqa-v1.1/valid-v1.1.json",
            "0d8d76f3bfa0d174866939882faccdd01fbc2bcd5a76c43748ba0c40a7b3b8d4",
        ),
    ),
    "jemhopqa": (
        Source(
            "train",
            "jemhopqa/train_ver1.1.json",
            f"{_JEMHOPQA}/train_ver1.1.json",
            "cf3f2c0d25dca2a09ecbbd0ecd64fe7c1dc7932532bf60e0620d55be51d8bf46",
        ),
        Source(
            "test",
            "jemhopqa/dev_ver1.1.json",
            f"{_JEMHOPQA}/dev_ver1.1.json",
            "839751f904f6e1eb0cdfc9b3b809f3381b6ca5fda8fdeb21bbe92eaa16ab8711",
        ),
    ),
    "niilc": (
        Source(
            "train",
            "niilc/NIILC-ECQA2015_dev.xml",
            f"{_NIILC}/NIILC-ECQA2015_dev.xml",
            "983dcaeb9ef38ca45d1114e8b420fdd4b358e827c235b1bfb4fc5e50ca70caf3",
        ),
        Source(
            "test",
            "niilc/NIILC-ECQA2015_test.xml",
            f"{_NIILC}/NIILC-ECQA2015_test.xml",
            "4a787463961db87e56e496c49cb40ca59f26d220e3ccc48588ad65b0dd4ce0d2",
        ),
    ),
    "jsquad": (
        Source("train", "jsquad/train-v1.1.json", f"{_JGLUE}/jsquad-v1.1/train-v1.1.json"),
        Source(
            "test",
            "jsquad/valid-v1.1.json",
            f"{_JGLUE}/jsquad-v1.1/valid-v1.1.json",
            "fb0a57a35281ff03bbe7f0e878cff5b577985fbe6fcb242e7e8ddb63d1c0ab11",
        ),
    ),
    "xlsum_ja": (
        Source("train", "xlsum_ja/train.jsonl", f"{_XLSUM}/train.csv"),
        Source("test", "xlsum_ja/test.jsonl", f"{_XLSUM}/test.csv"),
    ),
    "mgsm_ja": (
        Source("train", "mgsm/exemplars.py", f"{_MGSM}/exemplars.py"),
        Source(
            "test",
            "mgsm/mgsm_ja.tsv",
            f"{_MGSM}/mgsm_ja.tsv",
            "59a2b50debe77981fd784cb3b2bef1505e3abf2a37116dc9d7a366ab029b4637",
        ),
    ),
    "wmt20_en_ja": (
        Source("source", "wmt20_en_ja/source.txt", "sacrebleu:wmt20/en-ja/src"),
        Source("reference", "wmt20_en_ja/reference.txt", "sacrebleu:wmt20/en-ja/ref"),
    ),
    "wmt20_ja_en": (
        Source("source", "wmt20_ja_en/source.txt", "sacrebleu:wmt20/ja-en/src"),
        Source("reference", "wmt20_ja_en/reference.txt", "sacrebleu:wmt20/ja-en/ref"),
    ),
    "jmmlu": tuple(Source(s, f"jmmlu/{s}.csv", f"{_JMMLU}/{s}.csv", digest) for s, digest in JMMLU_SHA256.items()),
    "jhumaneval": (
        Source(
            "test",
            "jhumaneval/jhuman-eval.jsonl.gz",
            f"{_JHUMANEVAL}/jhuman-eval.jsonl.gz",
            "e025987ea1df0678cbcb4c4a7a9b5f123a4ea7f8e5dbdca0aa635b92dfaa7498",
        ),
    ),
    "openbookqa": (
        Source("train", "openbookqa/train.jsonl", f"{_OPENBOOKQA}/train-00000-of-00001.parquet"),
        Source("test", "openbookqa/test.jsonl", f"{_OPENBOOKQA}/test-00000-of-00001.parquet"),
    ),
    "triviaqa": (
        Source("train", "triviaqa/train.jsonl", f"{_TRIVIAQA}/train-00000-of-00001.parquet"),
        Source("test", "triviaqa/validation.jsonl", f"{_TRIVIAQA}/validation-00000-of-00001.parquet"),
    ),
    "hellaswag": (
        Source("train", "hellaswag/train.jsonl", f"{_HELLASWAG}/train-00000-of-00001.parquet"),
        Source("test", "hellaswag/validation.jsonl", f"{_HELLASWAG}/validation-00000-of-00001.parquet"),
    ),
    "squad2": (
        Source("train", "squad2/train.jsonl", f"{_SQUAD2}/train-00000-of-00001.parquet"),
        Source("test", "squad2/validation.jsonl", f"{_SQUAD2}/validation-00000-of-00001.parquet"),
    ),
    "xwino": (
        Source(
            "test",
            "xwino/dataset.tsv",
            f"{_XWINO}/dataset.tsv",
            "2c4cdad50f7a35523ce16f4437b7d5c814ebf7a49ad10f618468eeb32f08a873",
        ),
    ),
    "mmlu": (
        Source("train", "mmlu/dev.jsonl", f"{_MMLU}/dev-00000-of-00001.parquet"),
        Source(
            "test",
            "mmlu/test.jsonl",
            f"{_MMLU}/test-00000-of-00001.parquet",
            "74a41822ce7d3def56e1682f958469c04642a5336a5ce912fa375fdb90fb25d7",
        ),
    ),
    "gsm8k": (
        Source(
            "train",
            "gsm8k/train.jsonl",
            f"{_GSM8K}/train.jsonl",
            "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
        ),
        Source(
            "test",
            "gsm8k/test.jsonl",
            f"{_GSM8K}/test.jsonl",
            "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
        ),
    ),
    "bbh": tuple(Source(s, f"bbh/{s}.jsonl", f"{_BBH}/{s}/test-00000-of-00001.parquet") for s in BBH_SUBTASKS),
    "humaneval": (
        Source(
            "test",
            "humaneval/HumanEval.jsonl.gz",
            f"{_HUMANEVAL}/HumanEval.jsonl.gz",
            "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
        ),
    ),
}


@dataclass(frozen=True)
class File:
    """A file that is read.

    Attributes:
        source: What it stands for.
        path: Where it lies now.
        sha256: Of its bytes.
        origin: The folder or the address it was taken from.
    """

    source: Source
    path: Path
    sha256: str
    origin: str


def folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Return the local folders, in order of preference; none means: from the pinned public files.

    Args:
        data_dir: Folders joined by `os.pathsep`; None reads the environment variable `OBSERVATORY_DATA_DIR`.
    """
    named = os.environ.get(DATA_DIR_VARIABLE, "") if data_dir is None else os.fspath(data_dir)
    return [Path(part).expanduser() for part in named.split(os.pathsep) if part]


def locate(benchmark: str, data_dir: str | os.PathLike[str] | None) -> list[File]:
    """Return the files of a benchmark, each from the first folder that has it, or else from its address.

    Raises:
        InputError: The benchmark is not known, files are missing, or a published file has other content.
    """
    if benchmark not in SOURCES:
        raise InputError([f"benchmark {benchmark!r} is not known, expected one of {', '.join(SOURCES)}"])
    roots = folders(data_dir)
    if not roots:
        return [_download(benchmark, source) for source in SOURCES[benchmark]]
    raise_all(_missing(benchmark, roots))
    return [_local(source, roots) for source in SOURCES[benchmark]]


def _missing(benchmark: str, roots: Sequence[Path]) -> list[str]:
    where = " or ".join(str(root) for root in roots)
    return [
        f"{benchmark}: {source.name} is missing in {where}; it is published at {source.url}"
        for source in SOURCES[benchmark]
        if not any((root / source.name).is_file() for root in roots)
    ]


def _local(source: Source, roots: Sequence[Path]) -> File:
    root = next(root for root in roots if (root / source.name).is_file())
    path = root / source.name
    return File(source, path, sha256_of(path), str(root))


def _download(benchmark: str, source: Source) -> File:
    path = _fetch(benchmark, source)
    found = sha256_of(path)
    if source.sha256 is not None and found != source.sha256:
        raise InputError(
            [f"{benchmark}: {source.url} has SHA-256 {found}, expected {source.sha256}: the publisher changed it"]
        )
    return File(source, path, found, source.url)


def _fetch(benchmark: str, source: Source) -> Path:
    scheme, _, rest = source.url.partition(":")
    fetch = {"sacrebleu": _fetch_wmt, "hf": _fetch_hub, "https": _fetch_web}[scheme]
    try:
        return fetch(rest)
    except OSError as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            [
                f"{benchmark}: cannot fetch {source.url} ({reason}); put it at {source.name} in a folder and name"
                f" that folder by evaluate.data_dir or {DATA_DIR_VARIABLE}"
            ]
        ) from error


def _fetch_web(rest: str) -> Path:
    from datasets import DownloadManager

    return Path(str(DownloadManager().download(f"https:{rest}")))


def _fetch_hub(rest: str) -> Path:
    """Fetch a file named "//datasets/OWNER/NAME@REVISION/PATH"."""
    from huggingface_hub import hf_hub_download

    name, _, at = rest.removeprefix("//datasets/").partition("@")
    revision, _, path = at.partition("/")
    return Path(str(hf_hub_download(name, path, repo_type="dataset", revision=revision)))


def _fetch_wmt(name: str) -> Path:
    """Let sacrebleu fetch a test set, check its MD5 and unpack it; return one side, e.g. "wmt20/en-ja/ref"."""
    import sacrebleu

    test_set, pair, side = name.split("/")
    if side == "src":
        return Path(str(sacrebleu.get_source_file(test_set, pair)))
    return Path(str(sacrebleu.get_reference_files(test_set, pair)[0]))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
