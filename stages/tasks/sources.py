"""Where the files of each benchmark are published, and where they lie in a local folder.

A file is pinned by the commit in its address and, where it is known, by its SHA-256; `stages.tasks.fetching` records
the others at their first fetch. A local folder has the publisher's files, or JSON lines with the same columns.
"""

import os
from dataclasses import dataclass
from pathlib import PurePosixPath

from stages.tasks.jmmlu_files import JMMLU_SHA256

HUB_VARIABLE = "HF_ENDPOINT"
UNFETCHED = "cannot fetch"
"""How a problem begins that an available file would solve."""

_GITHUB = "https://raw.githubusercontent.com"
_JGLUE = f"{_GITHUB}/yahoojapan/JGLUE/6791a5003e6deaa6fb2458bcb3aa1f58dc52ef33/datasets"
_JEMHOPQA = f"{_GITHUB}/aiishii/JEMHopQA/2d0ccc65d085c5e1e7a769f463243d1357779356/corpus_ver1.1"
_NIILC = f"{_GITHUB}/mynlp/niilc-qa/9830b116ceb11f55733d90c59789760c8297110c/data"
_MGSM = f"{_GITHUB}/google-research/url-nlp/452a21ad3dae5668c06ceeac21ff073e1e40f9be/mgsm"
_JMMLU = f"{_GITHUB}/nlp-waseda/JMMLU/762cbf192c9e4588b574d718f95afd64c96fcbf4/JMMLU"
_JHUMANEVAL = f"{_GITHUB}/KuramitsuLab/jhuman-eval/def32e75b363aa663d19c0f6d83ef300feeeea0e/data"
_HUMANEVAL = f"{_GITHUB}/openai/human-eval/6d43fb980f9fee3c892a914eda09951f772ad10d/data"
_GSM8K = f"{_GITHUB}/openai/grade-school-math/3101c7d5072418e28b9008a6636bde82a006892c/grade_school_math/data"
_XWINO = f"{_GITHUB}/yandex-research/crosslingual_winograd/d2cfbbf7dc8f4ec66381e9651f9f5633c2df848d"
_XLSUM = "hf://datasets/mkshing/xlsum_ja@62c56e7d898c93e8d94390abc80660eed64ea39a/data"
_OPENBOOKQA = "hf://datasets/allenai/openbookqa@388097ea7776314e93a529163e0fea805b8a6454/main"
_TRIVIAQA = "hf://datasets/mandarjoshi/trivia_qa@0f7faf33a3908546c6fd5b73a660e0f8ff173c2f/rc.nocontext"
_HELLASWAG = "hf://datasets/Rowan/hellaswag@218ec52e09a7e7462a5400043bb9a69a41d06b76/data"
_SQUAD2 = "hf://datasets/rajpurkar/squad_v2@3ffb306f725f7d2ce8394bc1873b24868140c412/squad_v2"
_MMLU = "hf://datasets/cais/mmlu@c30699e8356da336a370243923dbaf21066bb9fe/all"
_WMT20 = "https://data.statmt.org/wmt20/translation-task/test.tgz"
_BBH = "hf://datasets/SaylorTwift/bbh@b5306be6f827cfafbb545ff5a51f96916029b0fd"

BBH_SUBTASKS = (
    "boolean_expressions causal_judgement date_understanding disambiguation_qa dyck_languages formal_fallacies"
    " geometric_shapes hyperbaton logical_deduction_five_objects logical_deduction_seven_objects"
    " logical_deduction_three_objects movie_recommendation multistep_arithmetic_two navigate object_counting"
    " penguins_in_a_table reasoning_about_colored_objects ruin_names salient_translation_error_detection snarks"
    " sports_understanding temporal_sequences tracking_shuffled_objects_five_objects"
    " tracking_shuffled_objects_seven_objects tracking_shuffled_objects_three_objects web_of_lies word_sorting"
).split()


ARCHIVES = {_WMT20: "3b1f777cfd2fb15ccf66e9bfdb2b1699"}
"""Address of an archive to the MD5 that sacrebleu states of it; "#" leads from it to one of its files."""


@dataclass(frozen=True)
class Source:
    """One file of a benchmark.

    Attributes:
        key: What it is to the reader: a split, a subject.
        name: Path below a local folder where the publisher's format was not kept.
        url: Where it is published, commit included; "#" stands before the name within an archive.
        sha256: SHA-256 of the published file; None where it is not known, then it is recorded at the first fetch.
    """

    key: str
    name: str
    url: str
    sha256: str | None = None

    @property
    def published(self) -> str:
        """Path below a local folder, in the publisher's format."""
        return str(PurePosixPath(self.name).with_suffix(PurePosixPath(self.url).suffix))


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
        Source(
            "train",
            "mgsm/exemplars.py",
            f"{_MGSM}/exemplars.py",
            "239dda1557bb2ba76b71e5ef744ddd0b454da0b453e5f8b909498ceff690a919",
        ),
        Source(
            "test",
            "mgsm/mgsm_ja.tsv",
            f"{_MGSM}/mgsm_ja.tsv",
            "59a2b50debe77981fd784cb3b2bef1505e3abf2a37116dc9d7a366ab029b4637",
        ),
    ),
    "wmt20_en_ja": (
        Source("source", "wmt20_en_ja/source.txt", f"{_WMT20}#sgm/newstest2020-enja-src.en.sgm"),
        Source("reference", "wmt20_en_ja/reference.txt", f"{_WMT20}#sgm/newstest2020-enja-ref.ja.sgm"),
    ),
    "wmt20_ja_en": (
        Source("source", "wmt20_ja_en/source.txt", f"{_WMT20}#sgm/newstest2020-jaen-src.ja.sgm"),
        Source("reference", "wmt20_ja_en/reference.txt", f"{_WMT20}#sgm/newstest2020-jaen-ref.en.sgm"),
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
        Source(
            "train",
            "openbookqa/train.jsonl",
            f"{_OPENBOOKQA}/train-00000-of-00001.parquet",
            "98148f8a54e62eb862346a75192d5fb824d6cbb68f2f59aecd793d39ecb5cd8b",
        ),
        Source(
            "test",
            "openbookqa/test.jsonl",
            f"{_OPENBOOKQA}/test-00000-of-00001.parquet",
            "cd5483e366daa230c1c87bbdc512d8b7229f14f6dd04d19fc8b1a3855aaaa8a3",
        ),
    ),
    "triviaqa": (
        Source("train", "triviaqa/train.jsonl", f"{_TRIVIAQA}/train-00000-of-00001.parquet"),
        Source("test", "triviaqa/validation.jsonl", f"{_TRIVIAQA}/validation-00000-of-00001.parquet"),
    ),
    "hellaswag": (
        Source("train", "hellaswag/train.jsonl", f"{_HELLASWAG}/train-00000-of-00001.parquet"),
        Source(
            "test",
            "hellaswag/validation.jsonl",
            f"{_HELLASWAG}/validation-00000-of-00001.parquet",
            "899813071e1e95efafec90f856e1987d2150fa4d020fc005df6962c259f660cd",
        ),
    ),
    "squad2": (
        Source(
            "train",
            "squad2/train.jsonl",
            f"{_SQUAD2}/train-00000-of-00001.parquet",
            "f6da32ffb482ff463ad056477740d1bb284b96a45db3a08bee6a225ca6abf291",
        ),
        Source(
            "test",
            "squad2/validation.jsonl",
            f"{_SQUAD2}/validation-00000-of-00001.parquet",
            "0560174ab095c5ac0a8c8dc8da05f1625453c45a77e4ce9cabc6947ddfdd24cb",
        ),
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


def hub() -> str:
    """Return the address of the Hub."""
    return os.environ.get(HUB_VARIABLE, "https://huggingface.co").rstrip("/")
