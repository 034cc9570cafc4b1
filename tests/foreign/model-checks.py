"""Answers questions with a model as it is, with other settings, and in a coarser quantization.

usage: model-checks.py MODEL.gguf COARSE.gguf QUESTIONS.json ANSWERS.json
"""
import ctypes
import json
import sys

import llama_cpp
from llama_cpp import Llama

model_path, coarse_path, questions_path, answers_path = sys.argv[1:]
with open(questions_path, encoding="utf-8") as file:
    questions = json.load(file)


def quantize():
    """Makes Q4_0 of the model, which is Q4_1."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    params.allow_requantize = True
    params.nthread = 1
    if llama_cpp.llama_model_quantize(model_path.encode(), coarse_path.encode(), ctypes.byref(params)) != 0:
        raise SystemExit("the model could not be quantized")


def answers_of(path, **settings):
    model = Llama(path, n_ctx=512, logits_all=True, verbose=False, **settings)
    answers = []
    for question in questions:
        choice = model.create_chat_completion(
            messages=[{"role": "user", "content": question["prompt"]}],
            max_tokens=question["tokensMax"], temperature=0, seed=question["seed"], logprobs=True, top_logprobs=1,
        )["choices"][0]
        tokens = [{"token": one["token"], "logprob": float(one["logprob"])} for one in choice["logprobs"]["content"]]
        answers.append({"text": choice["message"]["content"], "tokens": tokens})
    return answers


quantize()
with open(answers_path, "w", encoding="utf-8") as file:
    json.dump({
        "reference": answers_of(model_path, n_threads=2),
        "honest": answers_of(model_path, n_threads=1, n_batch=8, flash_attn=True),
        "coarse": answers_of(coarse_path, n_threads=2),
    }, file)
