"""Writes the tokenizer.json of a GGUF file, and counts texts with Hugging Face's own library and with llama.cpp.

usage: model-tokenizer.py MODEL.gguf TEXTS.json TOKENIZER.json COUNTS.json
"""
import json
import struct
import sys

from llama_cpp import Llama
from tokenizers import Tokenizer

SIZES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def read_metadata(path):
    """The metadata of a GGUF file, version 3."""
    with open(path, "rb") as file:
        def number(form):
            return struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))[0]

        def text():
            return file.read(number("Q")).decode()

        def value(kind):
            if kind == 8:
                return text()
            if kind == 9:
                inner, count = number("I"), number("Q")
                return [value(inner) for _ in range(count)]
            return number(SIZES[kind])

        file.read(8)
        number("Q")
        return {text(): value(number("I")) for _ in range(number("Q"))}


def tokenizer_of(metadata):
    """The tokenizer.json of SmolLM2: digits one by one, then bytes."""
    tokens, kinds = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    control = 3
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": id, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for id, token in enumerate(tokens) if kinds[id] == control
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            ],
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: id for id, token in enumerate(tokens)},
            "merges": metadata["tokenizer.ggml.merges"],
        },
    }


model_path, texts_path, tokenizer_path, counts_path = sys.argv[1:]
with open(texts_path, encoding="utf-8") as file:
    texts = json.load(file)
with open(tokenizer_path, "w", encoding="utf-8") as file:
    json.dump(tokenizer_of(read_metadata(model_path)), file, ensure_ascii=False)
reference = Tokenizer.from_file(tokenizer_path)
reference.encode_special_tokens = True
llama = Llama(model_path, vocab_only=True, verbose=False)
counts = {
    "tokenizers": [len(reference.encode(text, add_special_tokens=False).ids) for text in texts],
    "llama.cpp": [len(llama.tokenize(text.encode(), add_bos=False, special=False)) for text in texts],
}
with open(counts_path, "w", encoding="utf-8") as file:
    json.dump(counts, file)
