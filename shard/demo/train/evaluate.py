"""Counts how often a model's greedy answer is the expected one: evaluate.py MODEL.gguf... [--every N]

Prints a Markdown table with a column for each model. An answer counts when every one of its ids, the end
included, is the model's first choice after the ids before it. With --every only each N-th question is asked.
"""
import argparse
import random

import torch

import gguf
import tools
from corpus import LANGUAGES, number_word
from reference import Reference, Tokens


def numbers(first, last):
    step = 1 if last >= first else -1
    return ", ".join(map(str, range(first, last + step, step))) + "."


def asked(questions):
    """Single questions as (messages, tools) that end with the expected answer."""
    return [([{"role": "user", "content": q}, {"role": "assistant", "content": a}], []) for q, a in questions]


def last_answers(n):
    g = tools.Generator(11)
    return [(d, []) for d in (g.dialogue() for _ in range(4 * n)) if len(d) > 4][:n]


def tool_turns(n, kind):
    """The beginnings of dialogues with tools that end with an answer of a kind: call, calls, result or none."""
    g, out = tools.Generator(12), []
    while len(out) < n:
        system, offered, conversations = g.tool_dialogue(1)
        messages = [system] + conversations[0]
        for i, m in enumerate(messages):
            calls = len(m.get("tool_calls", []))
            after = messages[i - 1]["role"]
            if m["role"] == "assistant" and kind == ("call" if calls == 1 else "calls" if calls else "result" if after == "tool" else "none"):
                out.append((messages[:i + 1], offered))
    return out[:n]


def tests():
    up_to = [*range(2, 31), 40, 50]
    pairs = random.Random(1).sample([(a, b) for a in range(2, 25) for b in range(a + 1, 25)], 30)
    singles = tools.Generator(10)
    sums = [(a, b) for a in range(21) for b in range(21 - a)]
    return {
        "What is a - b? (up to 20)": asked((f"What is {a} - {b}?", f"{a} - {b} = {a - b}.") for a in range(21) for b in range(a + 1)),
        "What is a + b? (up to 20)": asked((f"What is {a} + {b}?", f"{a} + {b} = {a + b}.") for a, b in sums),
        "Count to N (2 to 30, 40, 50)": asked((f"Count to {n}", numbers(1, n)) for n in up_to),
        "Count to N, N in words": asked((f"Count to {number_word(n)}", numbers(1, n)) for n in up_to),
        "Count down from N to 1": asked((f"Count down from {n} to 1", numbers(n, 1)) for n in up_to),
        "Count from a to b (2 to 24)": asked((f"Count from {a} to {b}", numbers(a, b)) for a, b in pairs),
        "phrases in six languages": asked((prompts.split("|")[0], answer) for table in LANGUAGES.values() for prompts, answer in table.values()),
        "translations": asked((t.user, t.answer) for t in (singles.translation() for _ in range(60))),
        "single questions drawn from the corpus": asked((t.user, t.answer) for t in (singles.single() for _ in range(500))),
        "last answers of dialogues drawn from it": last_answers(100),
        "tools: one call": tool_turns(80, "call"),
        "tools: several calls": tool_turns(40, "calls"),
        "tools: an answer from results": tool_turns(60, "result"),
        "tools: an answer without a call": tool_turns(60, "none"),
    }


def right(model, tok, messages, offered):
    rendered = tools.render(messages, offered)
    answer = tok.encode(rendered[-1]["content"]) + [tok.im_end]
    return model.agrees(tok.prompt(rendered[:-1]), answer) == len(answer)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("models", nargs="+")
    ap.add_argument("--every", type=int, default=1)
    args = ap.parse_args()
    models = []
    for path in args.models:
        metadata, tensors = gguf.read(path)
        models.append((Reference(metadata, tensors, dtype=torch.float32), Tokens(metadata)))
    print("| asked |" + "".join(f" {path} |" for path in args.models))
    print("| --- |" + " --- |" * len(models))
    for name, cases in tests().items():
        cases = cases[::args.every]
        scores = [sum(right(model, tok, *case) for case in cases) for model, tok in models]
        print(f"| {name} |" + "".join(f" {n} of {len(cases)} |" for n in scores), flush=True)


if __name__ == "__main__":
    main()
