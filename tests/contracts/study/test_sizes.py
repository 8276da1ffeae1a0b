"""Parameters that names of models state."""

import pytest

from stages.contracts.study.sizes import Sizes, sizes_from_name


@pytest.mark.parametrize(
    ("name", "total", "active"),
    [
        ("meta-llama/Llama-2-70b-hf", 70, 70),
        ("HuggingFaceTB/SmolLM2-135M", 0.135, 0.135),
        ("cyberagent/calm2-7b", 7, 7),
        ("org/model-1.5B-base", 1.5, 1.5),
        ("stabilityai/stablelm-2-1_6b", 1.6, 1.6),
        ("org/llama_2_7b", 7, 7),
        ("bigscience/bloom-7b1", 7.1, 7.1),
        ("inclusionAI/Ling-1T", 1000, 1000),
        ("Qwen/Qwen2.5-7B-Instruct-1M", 7, 7),
        ("TinyLlama-1.1B-intermediate-step-1431k-3T", 1.1, 1.1),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 70, 70),
        ("Qwen/Qwen3-30B-A3B", 30, 3),
        ("ibm-granite/granite-3.0-1b-a400m-base", 1, 0.4),
        ("Qwen/Qwen1.5-MoE-A2.7B", None, 2.7),
        ("tencent/Hunyuan-A13B-Instruct", None, 13),
        ("allenai/OLMoE-1B-7B-0924", 7, 1),
        ("deepseek-ai/deepseek-moe-16b-base", 16, None),
        ("openai/gpt-oss-120b", 120, 5.1),
        ("openai/gpt-oss-20b", 20, 3.6),
        ("mistralai/Mixtral-8x7B-v0.1", 56, None),
        ("llm-jp/llm-jp-3-8x1.8b", 14.4, None),
        ("meta-llama/Llama-4-Scout-17B-16E", None, 17),
        ("google/gemma-3n-E4B-it", None, 4),
        ("facebook/m2m100_418M", 0.418, 0.418),
        ("k2m/model", None, None),
        ("org-7b/model", None, None),
        ("k2m", None, None),
        ("microsoft/Phi-3-mini-4k-instruct", None, None),
        ("org/model-4bit", None, None),
        ("HuggingFaceFW/ablation-model-fineweb-10BT", None, None),
        ("CohereForAI/c4ai-command-r-v01", None, None),
        ("gpt-4o-2024-08-06", None, None),
        ("Llama 2 13B", 13, 13),
        ("", None, None),
    ],
)
def test_sizes_are_read_from_names(name: str, total: float | None, active: float | None):
    assert sizes_from_name(name) == Sizes(total, active)
