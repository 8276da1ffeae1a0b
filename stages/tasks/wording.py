"""The wording of instructions: the project's own, or a study's, and whether that is the wording of the paper.

The paper's instructions are not this project's to hand on. It knows them by their SHA-256.
"""

import hashlib
from collections.abc import Mapping

from stages.contracts.study.prompts import SUBJECT, Wording
from stages.tasks.rows import Metadata

METADATA = "prompts"
"""Where the metadata of tasks hold the wording of a study, by benchmark."""
OWN_PROMPT = "saito2024~own-prompt"
"""Mark of a protocol that is the paper's but for the wording of its instruction."""

_PREAMBLE = "「指示」は課題を、「入力」はその材料を示します。指示に従い、「応答」に入る文字列だけを書いてください。"
_INSTRUCTIONS = {
    "jcommonsenseqa": "最もふさわしい答えを選択肢から選び、その番号だけを「0」のような整数で書いてください。",
    "jemhopqa": "質問の答えだけを書いてください。はいかいいえで答える質問には、YESまたはNOと書いてください。",
    "niilc": "質問の答えだけを書いてください。答えが二つ以上あるときは、コンマ（,）でつないでください。",
    "jsquad": "質問の答えを文章から抜き出してください。名詞一語とし、ほかには何も書かないでください。",
    "jmmlu": "最も正しい答えを選択肢から一つ選び、「A」のようにその記号だけを書いてください。",
}
OWN: Mapping[str, Wording] = {
    **{name: {"preamble": _PREAMBLE, "instruction": text} for name, text in _INSTRUCTIONS.items()},
    "xlsum_ja": {"instruction": "次のニュース記事の要約を書いてください。"},
    "mmlu": {"header": f"Each of these multiple choice questions on {SUBJECT} is followed by its answer."},
}
"""The project's wording, by benchmark; benchmarks that are not here have no instruction, or the original one."""

_PREAMBLE_DIGEST = "afa98044cb5fcaa882f4ad6e1bac614c81d91244b4031d5b014f1602afb7966b"
ORIGINAL: Mapping[str, Wording] = {
    **{
        name: {"preamble": _PREAMBLE_DIGEST, "instruction": digest}
        for name, digest in {
            "jcommonsenseqa": "c99551d0705ee2bb1257e238e89089098065943b38bf5e7b4d2862dcb321a26d",
            "jemhopqa": "80f6c0d29dbf86443d748d94046fb06bc170f61e3790900af18bb74c876d9d5c",
            "niilc": "288b907f6f05b6cec76c14eb21302698cfd01250bc2a41229075de1f975929ac",
            "jsquad": "eee16f93f8bfa082b3f1f9ccfde34f0b54985ba78c899cbe4185f8d2a758fe9a",
            "jmmlu": "a6a39d5a2c16ef96f2dc1ef57dc79133c557554b87afb2696bc5a8ad7dc437b5",
        }.items()
    },
    "xlsum_ja": {"instruction": "d73300a3f220063a8770a40334177b124cdfdea3d54ba189b034f0a0f3ddd874"},
    "mmlu": {"header": "c95b6ae8d64927003361b289396f53e80a34d9156a8f1cf95c9f7c380102e006"},
}
"""SHA-256 of each part in the paper's wording, as of its code (v202407)."""


def of(benchmark: str, metadata: Metadata) -> Wording:
    """Return the wording of a benchmark: the study's where the metadata hold one, else the project's."""
    return {**OWN[benchmark], **(metadata.get(METADATA) or {}).get(benchmark, {})}


def is_papers(benchmark: str, wording: Wording) -> bool:
    """Return whether a benchmark is asked in the paper's words.

    Args:
        benchmark: A name of the registry.
        wording: The study's; empty for the project's.
    """
    if benchmark not in OWN:
        return True
    digests = {part: hashlib.sha256(text.encode()).hexdigest() for part, text in wording.items()}
    return digests == ORIGINAL[benchmark]
