"""Tokenizers of every kind, made in a moment from a few texts, and a tiny model that learns texts by heart."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = ["<s>", "</s>", "<unk>"]


def _trained(bare: Tokenizer, texts: Sequence[str], alphabet: Sequence[str], merges: int = 60) -> Tokenizer:
    """Train byte pairs on lines, so that a newline is a token of its own."""
    size = len(SPECIAL) + len(alphabet) + merges
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, initial_alphabet=list(alphabet), show_progress=False
    )
    bare.train_from_iterator([line for text in texts for line in text.split("\n")], trainer)
    return bare


def _characters(texts: Sequence[str]) -> list[str]:
    return sorted(set("".join(texts)) | {"あ", "é"})


def _byte_level(texts: Sequence[str]) -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    return _trained(made, texts, pre_tokenizers.ByteLevel.alphabet())


def _stripping(texts: Sequence[str]) -> Tokenizer:
    """As Llama 2 and Mistral: a space before the text, dropped again in decoding; bytes for what is no piece."""
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    learned = _trained(made, texts, [c for c in _characters(texts) if c not in "\né "])
    vocabulary = learned.get_vocab()
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
    merges = [tuple(pair) for pair in json.loads(learned.to_str())["model"]["merges"]]
    made.model = models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A $B", [("<s>", vocabulary["<s>"])])
    return made


def _metaspace(scheme: str) -> Callable[[Sequence[str]], Tokenizer]:
    def make(texts: Sequence[str]) -> Tokenizer:
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
        made.decoder = decoders.Metaspace(prepend_scheme=scheme)
        return _trained(made, texts, [*_characters(texts), "▁"])

    return make


def _word_pieces(texts: Sequence[str]) -> Tokenizer:
    """One word for a whole text, so that nothing of it is lost."""
    pieces = [*_characters(texts), "return", "    ", "def "]
    vocabulary = {piece: i for i, piece in enumerate([*SPECIAL, *pieces, *(f"##{piece}" for piece in pieces)])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>", max_input_chars_per_word=10_000))
    made.decoder = decoders.WordPiece(cleanup=False)
    return made


def _words(texts: Sequence[str]) -> Tokenizer:
    """As BERT: words of small letters, whitespace forgotten."""
    made = _word_pieces([text.lower() for text in texts])
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(cleanup=True)
    return made


LOSSLESS: dict[str, Callable[[Sequence[str]], Tokenizer]] = {
    "byte-level BPE": _byte_level,
    "SentencePiece, strip": _stripping,
    "SentencePiece, dummy prefix": _metaspace("first"),
    "SentencePiece, always": _metaspace("always"),
    "SentencePiece, no prefix": _metaspace("never"),
    "WordPiece": _word_pieces,
}
"""Kinds that give a text back as it is."""
ALL = {**LOSSLESS, "WordPiece of words": _words}


def tokenizer(kind: str, texts: Sequence[str]) -> Any:
    """Return a tokenizer of a kind that knows the characters of the texts."""
    return PreTrainedTokenizerFast(
        tokenizer_object=ALL[kind](texts), bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )


def save_learned(target: Path, kind: str, pairs: Sequence[tuple[str, str]]) -> Path:
    """Write a model to `target` that answers each prompt with its answer and the end of the text; return it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    made = tokenizer(kind, [prompt + answer for prompt, answer in pairs])
    end = made.eos_token_id
    asked = [made.encode(prompt) for prompt, _ in pairs]
    whole = [[*made.encode(prompt + answer), end] for prompt, answer in pairs]
    assert all(ids[: len(prompt)] == prompt for ids, prompt in zip(whole, asked, strict=True))
    longest = max(map(len, whole))
    ids = torch.tensor([[*row, *[end] * (longest - len(row))] for row in whole])
    labels = torch.tensor(
        [
            [-100] * len(prompt) + row[len(prompt) :] + [-100] * (longest - len(row))
            for row, prompt in zip(whole, asked, strict=True)
        ]
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(made),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=4096,
        bos_token_id=made.bos_token_id,
        eos_token_id=end,
        pad_token_id=end,
    )
    model = LlamaForCausalLM(config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(300):
        loss = model(input_ids=ids, labels=labels).loss
        if loss.item() < 0.003:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.save_pretrained(target)
    made.save_pretrained(target)
    return target
