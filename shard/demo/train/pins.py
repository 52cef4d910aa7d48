"""Pins greedy answers of a model: pins.py model.gguf TESTDATA [--gap 0.3]

Writes TESTDATA/pins.json, tool_pins.json (the same with tools), mutations.json (of pins.json) and dialogues.json
(see tools.samples), and prints every answer for a person to read. An answer is pinned when the smallest gap between the best logit and the second on its way is above --gap and rounding
all activations to 8 bits leaves it as it is; so an engine may use int8 products and still has to agree.
"""
import argparse
import json
import re

import torch

import gguf
import tools
from reference import MUTATIONS, Reference, Tokens, eight_bits

LIMIT = 600  # tokens of an answer

# (system prompt or None for the default, the user's turns): the answer to the last turn is pinned, the
# earlier answers are the model's own. Listed is what the model was read to answer well.
CONVERSATIONS = [
    (None, ["Hello!"]),
    (None, ["hi"]),
    (None, ["Good morning!"]),
    (None, ["How are you?"]),
    (None, ["thanks"]),
    (None, ["Bye!"]),
    (None, ["I am bored"]),
    (None, ["Who are you?"]),
    (None, ["What is your name?"]),
    (None, ["What can you do?"]),
    (None, ["Are you a robot?"]),
    (None, ["Which model are you?"]),
    (None, ["Who made you?"]),
    (None, ["How many layers do you have?"]),
    (None, ["How does this cluster work?"]),
    (None, ["What is pipeline parallelism?"]),
    (None, ["What happens when a shard dies?"]),
    (None, ["What is a shard?"]),
    (None, ["What is a KV cache?"]),
    (None, ["what is the coordinator"]),
    (None, ["what is nats"]),
    (None, ["What is a token?"]),
    (None, ["Explain the difference between prefill and decode."]),
    (None, ["How do I load a GGUF file?"]),
    (None, ["What is Go?"]),
    (None, ["Why is the sky blue?"]),
    (None, ["What is the capital of France?"]),
    (None, ["What is the capital of Japan?"]),
    (None, ["What is the opposite of hot?"]),
    (None, ["How many days are in a week?"]),
    (None, ["2+2"]),
    (None, ["What is 7 + 8?"]),
    (None, ["What is 3 plus 4?"]),
    (None, ["12 + 5"]),
    (None, ["What is 5 + 3?"]),
    (None, ["6 + 7"]),
    (None, ["10 + 10"]),
    (None, ["What is 3 times 2?"]),
    (None, ["Count down from 5 to 1"]),
    (None, ["Is 7 even or odd?"]),
    (None, ["Count from 10 to 1"]),
    (None, ["Count to 10"]),
    (None, ["count to 5"]),
    (None, ["Count to three."]),
    (None, ["Count from 1 to 10."]),
    (None, ["Can you count to 20?"]),
    (None, ["8 - 3"]),
    (None, ["What is 10 - 5?"]),
    (None, ["What is 15 minus 6?"]),
    (None, ["Count to 25"]),
    (None, ["Count by twos from 0 to 20"]),
    (None, ["List the days of the week."]),
    (None, ["Name the planets."]),
    (None, ["Say the alphabet."]),
    (None, ["What day comes after Friday?"]),
    (None, ["List the months."]),
    (None, ["Tell me a joke."]),
    (None, ["Tell me a story."]),
    (None, ["Tell me a long story."]),
    (None, ["Explain the cluster in detail."]),
    (None, ["Tell me a story about a horse."]),
    (None, ["Write a poem."]),
    (None, ["Write a haiku."]),
    (None, ["Write hello world in Go."]),
    (None, ["👋"]),
    (None, ["Show me some emoji."]),
    (None, ["🚂"]),
    (None, ["What is the weather like in Berlin?"]),
    (None, ["asdf"]),
    (None, ["Hallo!"]),
    (None, ["Guten Tag!"]),
    (None, ["Wer bist du?"]),
    (None, ["Bonjour !"]),
    (None, ["Comment ça va ?"]),
    (None, ["¿Cómo estás?"]),
    (None, ["Come ti chiami?"]),
    (None, ["你好"]),
    (None, ["你是谁？"]),
    (None, ["こんにちは"]),
    (None, ["How do you say hello in German?"]),
    (None, ["Hello!", "What is pipeline parallelism?", "Why?"]),
    (None, ["What is pipeline parallelism?", "Tell me more."]),
    (None, ["How does this cluster work?", "shorter please"]),
    (None, ["What is a shard?", "What did I just ask?"]),
    (None, ["My name is Anna.", "What is my name?"]),
    (None, ["Hi, I'm Tom!", "How are you?", "What is 2 + 3?", "Do you know my name?"]),
    (None, ["My favourite colour is green.", "What is my favourite colour?"]),
    (None, ["What is 5 + 6?", "plus 4"]),
    (None, ["What is 4 + 4?", "and plus 2?"]),
    (None, ["I live in Paris.", "Where do I live?"]),
    (None, ["Hello!", "Say that again."]),
    (None, ["Tell me a joke.", "Another one"]),
    (None, ["Tell me a joke.", "another one", "one more"]),
    (None, ["Who are you?", "Tell me more.", "What is the capital of Italy?", "thank you"]),
    ("Be brief.", ["Who are you?"]),
    ("Be brief.", ["What is a token?"]),
    ("You are a pirate.", ["Hello!"]),
    ("You are a pirate.", ["What is a shard?"]),
    ("Answer in uppercase.", ["What is your name?"]),
    ("Be formal.", ["What is 6 + 7?"]),
    ("Answer in German.", ["Who are you?"]),
    ("Answer in French.", ["Hello"]),
    ("Answer in rhyme.", ["What is a KV cache?"]),
    ("Your name is Clara.", ["What is your name?"]),
    ("Answer in Chinese.", ["Who are you?"]),
    ("Use emoji.", ["Hello!"]),
]


def function(name, description, **properties):
    """A tool as clients send it."""
    return {"type": "function", "function": {
        "name": name, "description": description,
        "parameters": {"type": "object", "properties": {k: {"type": t} for k, t in properties.items()}, "required": list(properties)}}}


WEATHER = function("get_weather", "Get the current weather in a city", city="string")
TIME = function("get_time", "Get the current time in a city", city="string")
ADD = function("add", "Add two numbers", a="number", b="number")

# (tools, turns): a turn is what the user says, or the list of results of the calls that the model made.
TOOL_CONVERSATIONS = [
    *(([WEATHER], [f"What is the weather in {city}?"]) for city in ("Paris", "Rome", "Berlin", "London", "Tokyo", "Madrid", "New York")),
    ([WEATHER], ["What is the weather in Paris?", ["18 °C and sunny"]]),
    ([WEATHER], ["What is the weather in Paris?", ['{"temperature": 18, "condition": "sunny"}']]),
    ([WEATHER], ["What is the weather in Rome?", ["cloudy, 21 °C"]]),
    ([WEATHER, TIME], ["Is it raining in London?", ["light rain, 11 °C"]]),
    ([WEATHER], ["How is the weather in Berlin?"]),
    ([WEATHER, ADD], ["What's the weather like in Madrid?"]),
    ([TIME, WEATHER], ["What's the weather like in Vienna today?"]),
    ([WEATHER], ["What is the weather in Berlin and in London?"]),
    ([WEATHER], ["What is the weather in Berlin and in London?", ["18 °C and sunny", "cloudy, 21 °C"]]),
    ([WEATHER], ["What is the weather in London and Berlin?"]),
    ([WEATHER], ["What is the weather in Madrid and in Tokyo?"]),
    ([TIME], ["What time is it in London and in Berlin?"]),
    ([WEATHER, TIME], ["What time is it in Paris and in Rome?"]),
    ([WEATHER], ["What is the weather in Paris?", ["18 °C and sunny"], "And in Rome?"]),
    ([WEATHER], ["What is the weather in Vienna?", ["error: not found"]]),
    ([WEATHER], ["Hello!"]),
    ([WEATHER], ["Who are you?"]),
    ([WEATHER], ["What is the capital of France?"]),
    ([WEATHER, TIME], ["How does this cluster work?"]),
    *(([TIME], [f"What time is it in {city}?"]) for city in ("Tokyo", "London", "Sydney", "Cairo")),
    ([TIME], ["What time is it in Tokyo?", ["14:30"]]),
    ([TIME], ["What time is it in Paris?", ['{"time": "09:05"}']]),
    ([WEATHER, TIME], ["What time is it in Berlin?"]),
    ([ADD], ["What is 3 + 4?"]),
    ([ADD], ["What is 17 plus 25?"]),
    ([ADD], ["What is 17 plus 25?", ["42"]]),
    ([WEATHER, ADD], ["Add 12 and 30."]),
    ([ADD], ["Hello!"]),
    ([WEATHER, TIME, ADD], ["What is the weather in Rome?"]),
    ([WEATHER, TIME, ADD], ["What time is it in Rome?"]),
    ([WEATHER, TIME, ADD], ["What is 40 + 50?"]),
    ([WEATHER, TIME, ADD], ["Thank you!"]),
    ([WEATHER, TIME], ["What is the weather in Rome and what time is it there?"]),
]

CALL = re.compile("<tool_call>\n(.*)\n</tool_call>")


def said(text):
    """The assistant's message of an answer: its calls, or its text."""
    calls = [json.loads(c) for c in CALL.findall(text)]
    return {"role": "assistant", "content": "", "tool_calls": calls} if calls else {"role": "assistant", "content": text}


def next_messages(turn):
    if isinstance(turn, str):
        return [{"role": "user", "content": turn}]
    return [{"role": "tool", "content": result} for result in turn]


def converse(model, tok, system, turns, offered):
    """(messages, prompt ids, answer ids, gap) for the last turn."""
    messages = [] if system is None else [{"role": "system", "content": system}]
    for n, turn in enumerate(turns, 1):
        messages += next_messages(turn)
        prompt = tok.prompt(tools.render(messages, offered))
        ids, gap = model.greedy(prompt, tok.im_end, LIMIT)
        if n == len(turns):
            return messages, prompt, ids, gap
        messages.append(said(tok.decode(ids[:-1])))


def pin(model, rounded, tok, wanted, system, turns, offered=()):
    """The pin of a conversation, or None where it is too close to another answer or has no end."""
    messages, prompt, ids, gap = converse(model, tok, system, turns, offered)
    text = tok.decode(ids[:-1])
    agreed = rounded.agrees(prompt, ids)
    keep = gap > wanted and agreed == len(ids) and ids[-1] == tok.im_end
    names = ", ".join(t["function"]["name"] for t in offered)
    print(f"{'pin ' if keep else 'drop'} gap {gap:5.2f} {len(ids):3} ids | {system or names} | "
          f"{' / '.join(map(str, turns))} | {text!r}", flush=True)
    pinned = {"tools": offered} if offered else {}
    pinned |= {"messages": messages, "prompt_ids": prompt, "greedy_ids": ids, "text": text, "min_gap": round(gap, 4)}
    return pinned if keep else None


def broken(metadata, tensors, pins):
    """For each mutation the pins that it breaks and the position of the first id that changes."""
    out = {}
    for name, change in MUTATIONS.items():
        mutant = Reference(metadata, tensors, dtype=torch.float32, **change)
        firsts = [mutant.agrees(p["prompt_ids"], p["greedy_ids"]) for p in pins]
        out[name] = [{"pin": i, "first": n} for i, n in enumerate(firsts) if n < len(pins[i]["greedy_ids"])]
        print(f"{name}: breaks {len(out[name])} of {len(pins)} pins", flush=True)
        assert out[name], f"{name} goes unnoticed"
    return out


def dump(path, x):
    with open(path, "w") as f:
        if isinstance(x, list):
            f.write("[\n" + ",\n".join(json.dumps(p, ensure_ascii=False) for p in x) + "\n]\n")
        else:
            f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in x.items()) + "\n}\n")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("model")
    ap.add_argument("testdata")
    ap.add_argument("--gap", type=float, default=0.3)
    args = ap.parse_args()
    metadata, tensors = gguf.read(args.model)
    tok = Tokens(metadata)
    model = Reference(metadata, tensors)
    rounded = Reference(metadata, tensors, round_input=eight_bits, dtype=torch.float32)
    pins = [pin(model, rounded, tok, args.gap, system, turns) for system, turns in CONVERSATIONS]
    pins = [p for p in pins if p]
    with_tools = [pin(model, rounded, tok, args.gap, None, turns, offered) for offered, turns in TOOL_CONVERSATIONS]
    with_tools = [p for p in with_tools if p]
    for conversations, kept in ((CONVERSATIONS, pins), (TOOL_CONVERSATIONS, with_tools)):
        print(f"{len(kept)} of {len(conversations)} pinned, smallest gap {min(p['min_gap'] for p in kept)}")
    dump(f"{args.testdata}/dialogues.json", tools.samples(tok, 20))
    dump(f"{args.testdata}/pins.json", pins)
    dump(f"{args.testdata}/tool_pins.json", with_tools)
    dump(f"{args.testdata}/mutations.json", broken(metadata, tensors, pins))


if __name__ == "__main__":
    main()
