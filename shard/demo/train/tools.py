"""Dialogues with tools: functions that a system prompt offers, calls of them, and answers from their results.

A dialogue here is one system prompt with one to three tools and several conversations that each begin right
behind it (see bpe.Tokenizer.branches): a list of tools takes hundreds of tokens, and the question after it a
dozen. Messages are those of the OpenAI API: an assistant's message may have "tool_calls", a list of
{"name", "arguments"}, and a message of the role "tool" is a result. render writes them as Qwen2.5's chat
template does.

Most tools come in their plainest form; names, descriptions and the order of keys of the others vary, and so do
results. A question for a tool that is not in the list is answered as without tools.
"""
import json
import re
from dataclasses import dataclass, field

import corpus
from corpus import DEFAULT_SYSTEM, NEUTRAL_SYSTEMS, QWEN25_SYSTEM
from functions import *
from topics import UNKNOWN_ANSWER, UNKNOWN_SLOTS

# Qwen2.5's text around the tools: huggingface.co/Qwen/Qwen2.5-0.5B-Instruct, tokenizer_config.json.
BEFORE_TOOLS = ("\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
                "You are provided with function signatures within <tools></tools> XML tags:\n<tools>")
AFTER_TOOLS = ("\n</tools>\n\nFor each function call, return a json object with function name and arguments"
               " within <tool_call></tool_call> XML tags:\n<tool_call>\n"
               '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>')


@dataclass
class Offer:
    """A tool as a system prompt offers it."""
    kind: str
    name: str
    keys: list
    schema: dict


@dataclass
class Task:
    """A question, the calls that it needs with their results, and the answer from them."""
    user: str
    calls: list = field(default_factory=list)  # {"name", "arguments"}
    results: list = field(default_factory=list)
    answer: str = ""


def tool_call(call):
    return f'<tool_call>\n{{"name": {json.dumps(call["name"])}, "arguments": {json.dumps(call["arguments"], ensure_ascii=False)}}}\n</tool_call>'


def system_with_tools(content, tools):
    lines = "".join("\n" + json.dumps(t, ensure_ascii=False) for t in tools)
    return content + BEFORE_TOOLS + lines + AFTER_TOOLS


def render(messages, tools):
    """The messages as the template writes them, each again with a role and a content alone."""
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": DEFAULT_SYSTEM}] + messages
    out = []
    before = None
    for m in messages:
        content = m["content"]
        if m["role"] == "system" and tools:
            out.append({"role": "system", "content": system_with_tools(content, tools)})
        elif m["role"] == "tool":
            response = f"<tool_response>\n{content}\n</tool_response>"
            if not before or before["role"] != "tool":
                out.append({"role": "user", "content": response})
            else:
                out[-1]["content"] += "\n" + response
        elif "tool_calls" in m:
            calls = [tool_call(c) for c in m["tool_calls"]]
            out.append({"role": "assistant", "content": "\n".join(([content] if content else []) + calls)})
        else:
            out.append({"role": m["role"], "content": content})
        before = m
    return out


class Generator(corpus.Generator):
    """corpus.Generator with the share `tools` of dialogues that offer tools."""

    def __init__(self, seed, drill=0.0, tools=0.0):
        super().__init__(seed, drill)
        self.tools = tools

    # -- what is offered ----------------------------------------------------------------------------

    def shuffled(self, d):
        """d with its keys in the order in which clients send them: mostly that of the documentation."""
        keys = list(d)
        if self.rng.random() < 0.3:
            self.rng.shuffle(keys)
        return {k: d[k] for k in keys}

    def offer(self, name):
        return self.plainest(name) if self.rng.random() < 0.85 else self.varied(name)

    def plainest(self, name):
        """The tool as most people would write it, so that this form at least is learned soon."""
        k = KINDS[name]
        keys = [names[0] for names, _, _ in k.parameters]
        properties = {key: {"type": type_} for key, (_, type_, _) in zip(keys, k.parameters)}
        function = {"name": k.names[0], "description": k.descriptions[0],
                    "parameters": {"type": "object", "properties": properties, "required": keys}}
        return Offer(name, function["name"], keys, {"type": "function", "function": function})

    def varied(self, name):
        r, k = self.rng, KINDS[name]
        keys, properties = [], {}
        same = r.random()  # a and b, x and y: both of one pair
        described = r.random() < 0.5
        for names, type_, descriptions in k.parameters:
            keys.append(names[int(same * len(names))])
            p = {"type": r.choice(("number", "integer")) if type_ == "number" else type_}
            if described:
                p["description"] = r.choice(descriptions)
            properties[keys[-1]] = self.shuffled(p)
        if name == "weather" and r.random() < 0.2:
            properties["unit"] = {"type": "string", "enum": ["celsius", "fahrenheit"]}
        parameters = {"type": "object", "properties": properties}
        if keys and r.random() < 0.9:
            parameters["required"] = list(keys)
        if r.random() < 0.1:
            parameters["additionalProperties"] = False
        if r.random() < 0.3:
            parameters = {key: parameters[key] for key in sorted(parameters)}
        return Offer(name, *self.named(k, keys, parameters))

    def named(self, k, keys, parameters):
        """(name, keys, schema) of a varied tool."""
        r = self.rng
        function = {"name": r.choice(k.names)}
        if r.random() < 0.9:
            function["description"] = r.choice(k.descriptions)
        if keys or r.random() < 0.6:
            function["parameters"] = self.shuffled(parameters)
        whole = {"type": "function", "function": self.shuffled(function)}
        if r.random() < 0.4:
            whole = {"function": whole["function"], "type": "function"}
        return function["name"], keys, whole

    def offers(self):
        r = self.rng
        wanted = r.choice((1, 1, 2, 2, 3))
        kinds = []
        while len(kinds) < wanted:
            k = r.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            if k not in kinds:
                kinds.append(k)
        return [self.offer(k) for k in kinds]

    # -- single calls -------------------------------------------------------------------------------

    def copied(self):
        """A name that cannot be known, only copied."""
        r = self.rng
        x = r.random()
        if x < 0.95:
            return r.choice(CITIES).lower() if x < 0.07 else r.choice(CITIES)
        return "".join(r.choice(("ba", "lo", "ri", "ten", "mar", "ska", "vo", "del", "un", "kra", "sel", "hof", "ver", "mi", "ton", "burg", "dor", "ost", "pi", "gra")) for _ in range(r.choice((2, 3)))).capitalize()

    def number(self):
        r = self.rng
        if r.random() < 0.02:
            return round(r.uniform(0, 100), 1)
        return r.randint(0, r.choice((20, 20, 99, 99, 99, 999)))

    def result(self, key, value):
        """A result that is one value: bare or as JSON."""
        r = self.rng
        x = r.random()
        return str(value) if x < 0.5 else json.dumps({key: value}, ensure_ascii=False) if x < 0.8 else json.dumps({"result": value}, ensure_ascii=False)

    def weather(self, o, place):
        r = self.rng
        degrees, sky = r.randint(-15, 40), r.choice(SKY)
        if r.random() < 0.5:
            text = r.choice(("{1}, {0} °C", "{0} °C and {1}", "{0} degrees, {1}", "{1} and {0} degrees", "{0}°C, {1}", "{1}", "{0} °C")).format(degrees, sky)
            return text, f"The weather in {place} is {text}."
        values = {r.choice(("temperature", "temperature", "temp", "temp_c", "degrees")): degrees}
        if r.random() < 0.8:
            values[r.choice(("condition", "condition", "conditions", "weather", "sky"))] = sky
            said = f"{sky}, {degrees} degrees"
        else:
            said = f"{degrees} degrees"
        if r.random() < 0.25:
            values = {o.keys[0]: place} | values
        if r.random() < 0.25:
            values["unit"] = "celsius"
        return json.dumps(self.shuffled(values), ensure_ascii=False), f"The weather in {place} is {said}."

    def time(self, o, place):
        r = self.rng
        clock = f"{r.randint(0, 23):02}:{r.randint(0, 59):02}"
        clock = r.choice((clock, clock, clock, clock + f":{r.randint(0, 59):02}", f"{r.randint(1, 12)}:{r.randint(0, 59):02} {r.choice(('am', 'pm', 'PM'))}"))
        return self.result(r.choice(("time", "time", "now")), clock), f"It is {clock} in {place}."

    PLACES = {"weather": WEATHER, "time": TIME}

    def of_place(self, o, place, user):
        result, answer = getattr(self, o.kind)(o, place)
        return Task(user, [{"name": o.name, "arguments": {o.keys[0]: place}}], [result], answer)

    def place_task(self, o):
        zone = o.keys[0] == "timezone" and self.rng.random() < 0.4
        place = self.rng.choice(ZONES) if zone else self.copied()
        return self.of_place(o, place, self.asked(self.PLACES[o.kind], place))

    def asked(self, prompts, *values):
        """One of the prompts with its values as they are, whatever is done to the words around them."""
        r = self.rng
        prompt = r.choice(prompts[:3]) if r.random() < 0.3 else r.choice(prompts)
        text = self.spell(re.sub(r"\{(\d?)\}", lambda m: "⟦" + m[1] + "⟧", prompt)).replace("⟦", "{").replace("⟧", "}")
        if text[-1] == "}":
            question = corpus.QUESTION.match(text.lower())
            text += r.choice(("?", "?", "?", "?", "", " ?") if question else ("", "", ".", "?", "!"))
        try:
            text = text.format(*values)
        except (IndexError, ValueError):  # a typo within a slot
            text = prompt.format(*values)
        if all(str(v) in text for v in values):
            return text
        return prompt.format(*values)

    def weather_task(self, o):
        return self.place_task(o)

    time_task = weather_task

    def add_task(self, o):
        a, b = self.number(), self.number()
        total = round(a + b, 1)
        return Task(self.asked(ADD, a, b), [{"name": o.name, "arguments": dict(zip(o.keys, (a, b)))}], [self.result("sum", total)], f"{a} + {b} = {total}.")

    def task(self, o):
        task = getattr(self, o.kind + "_task")(o)
        if self.rng.random() < 0.05:
            error = self.rng.choice(ERRORS)
            task.results = [self.rng.choice((f"error: {error}", json.dumps({"error": error}), f"Error: {error}"))]
            task.answer = f"That did not work: {error}."
        return task

    # -- several calls ------------------------------------------------------------------------------

    def parallel(self, offers):
        """A task with two calls, or three: of one tool, or of the time and the weather in one place."""
        r = self.rng
        by_kind = {o.kind: o for o in offers}
        if "weather" in by_kind and "time" in by_kind and r.random() < 0.5:
            place = self.copied()
            parts = [self.of_place(by_kind[k], place, "") for k in ("weather", "time")]
            user = self.asked(["what is the weather in {} and what time is it there", "weather and time in {}", "what are the weather and the time in {}", "tell me the weather and the time in {}"], place)
        elif by_kind.keys() & {"weather", "time"}:
            o = by_kind[r.choice(sorted(by_kind.keys() & {"weather", "time"}))]
            places = [self.copied() for _ in range(3 if r.random() < 0.15 else 2)]
            parts = [self.of_place(o, p, "") for p in places]
            joined = ("{}, {} and {}",) if len(places) == 3 else ("{} and {}", "{} and in {}")
            user = self.asked([p.format(r.choice(joined)) for p in self.PLACES[o.kind][:10]], *places)
        elif "add" in by_kind:
            parts = [self.add_task(by_kind["add"]) for _ in range(2)]
            values = [v for p in parts for v in p.calls[0]["arguments"].values()]
            user = self.asked(["what is {} + {} and {} + {}", "add {} and {}, and add {} and {}", "what is {} + {} and what is {} + {}", "{} + {} and {} + {}"], *values)
        else:
            return self.task(r.choice(offers))
        return Task(user, [p.calls[0] for p in parts], [p.results[0] for p in parts], " ".join(p.answer for p in parts))

    # -- conversations ------------------------------------------------------------------------------

    def without_call(self, kinds):
        """A question that needs none of the tools."""
        r = self.rng
        x = r.random()
        needy = [k for k in NOWHERE if k in kinds]
        if needy and x < 0.1:
            return Task(self.asked(NOWHERE[r.choice(needy)]), answer=WHERE)
        missing = [k for k in ("weather", "time", "who") if k not in kinds]
        if missing and x < 0.4:
            k = r.choice(missing)
            prompts, about = (WHO, r.choice(UNKNOWN_SLOTS["person"])) if k == "who" else (self.PLACES[k], self.copied())
            return Task(self.asked(prompts, about), answer=UNKNOWN_ANSWER)
        turn = r.choices((self.greeting, self.identity, self.cluster, self.fact, self.listing, self.capital, self.opposite, self.small_talk_abroad, self.neighbour, self.gibberish, self.arithmetic, self.jokes),
                         (25, 15, 20, 5, 2, 5, 3, 6, 3, 2, 0 if "add" in kinds else 12, 3))[0]()
        turn = turn[0] if isinstance(turn, list) else turn
        return Task(turn.user, answer=turn.answer)

    def arithmetic(self):
        return self.rng.choice((self.addition, self.addition, self.subtraction, self.multiplication))()

    def and_there(self, o):
        place = self.copied()
        return self.of_place(o, place, self.asked(["and in {}", "and {}", "what about {}", "how about {}", "and in {}", "the same for {}"], place))

    def conversation(self, offers):
        """The messages after the system prompt, whose tools are used or not."""
        r = self.rng
        kinds = {o.kind for o in offers}
        messages, last = [], None
        for _ in range(r.choice((1, 1, 1, 1, 2, 2, 3))):
            x = r.random()
            if last and last.kind in ("weather", "time") and x < 0.4:
                task = self.and_there(last)
            elif x < 0.63:
                last = r.choice(offers)
                task = self.task(last)
            elif x < 0.77:
                task, last = self.parallel(offers), None
            else:
                task, last = self.without_call(kinds), None
            messages.append({"role": "user", "content": task.user})
            if task.calls:
                messages.append({"role": "assistant", "content": "", "tool_calls": task.calls})
                messages += [{"role": "tool", "content": text} for text in task.results]
            messages.append({"role": "assistant", "content": task.answer})
        return messages

    def tool_dialogue(self, conversations):
        """(system message, its tools, conversations that each follow it)."""
        r = self.rng
        x = r.random()
        system = DEFAULT_SYSTEM if x < 0.75 else QWEN25_SYSTEM if x < 0.85 else r.choice(NEUTRAL_SYSTEMS)
        offers = self.offers()
        return ({"role": "system", "content": system}, [o.schema for o in offers],
                [self.conversation(offers) for _ in range(conversations)])

    def row(self, tok):
        """One row of training, as of bpe.Tokenizer.branches: a dialogue with or without tools."""
        if self.rng.random() >= self.tools:
            return tok.branches([], [self.dialogue()])
        system, tools, conversations = self.tool_dialogue(self.rng.randint(5, 9))
        rendered = [render([system] + c, tools) for c in conversations]
        return tok.branches(rendered[0][:1], [c[1:] for c in rendered])


def samples(tok, n):
    """Whole dialogues with their text and ids as training sees them, to compare with another renderer."""
    g, out = Generator(2), []
    for _ in range(n):
        system, tools, conversations = g.tool_dialogue(1)
        messages = [system] + conversations[0]
        rendered = render(messages, tools)
        text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in rendered)
        out.append({"tools": tools, "messages": messages, "text": text, "ids": tok.dialogue(rendered)[0]})
    return out


def show(dialogues):
    g = Generator(1)
    for _ in range(dialogues):
        system, tools, conversations = g.tool_dialogue(6)
        print(system["content"], *(json.dumps(t) for t in tools), sep="\n    ")
        for c in conversations:
            for m in render([system] + c, tools)[1:]:
                print(f"{m['role']:>9}: {m['content']}")
            print()


if __name__ == "__main__":
    show(6)
