"""The training dialogues: generated from topics.py and languages.py, the same for the same seed.

A dialogue is a list of messages {"role", "content"}. System prompts change the manner of the answers;
follow-up questions refer to earlier turns; the rest are independent questions one after another, so that
the model learns to answer at any depth of a conversation.
"""
import random
import re

from languages import ASK_LANGUAGE, LANGUAGES, WORDS
from topics import *

DEFAULT_SYSTEM = "You are a helpful assistant."
QWEN25_SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."

NEUTRAL_SYSTEMS = ["You are a friendly assistant.", "You are an assistant.", "Answer the user's questions.", "You are a chatbot.", "Be polite.", "You are a helpful AI assistant.",
                   "Help the user.", "You are a useful assistant. Answer truthfully.", "Answer in English."]
BRIEF = ["Be brief.", "Answer briefly.", "Answer in a few words.", "You are a terse assistant.", "Keep it short.", "Use as few words as possible.", "Give short answers.", "Be concise.", "You are a helpful assistant. Be brief."]
PIRATE = ["You are a pirate.", "Answer like a pirate.", "Talk like a pirate.", "You are a pirate. Answer like one.", "Speak like a pirate.", "Always answer like a pirate.", "You are a friendly pirate."]
UPPER = ["Answer in uppercase.", "Use uppercase only.", "Answer in capital letters.", "WRITE IN UPPERCASE.", "Always answer in upper case.", "Use only capital letters."]
FORMAL = ["Be formal.", "Answer formally.", "Use formal language.", "You are a butler.", "Be very polite and formal.", "Answer like a butler."]
EMOJI = ["Use emoji.", "End every answer with an emoji.", "Add an emoji to each answer.", "Use an emoji in every answer.", "Answer with emoji."]
POEM = ["Answer with a poem.", "Answer in rhyme.", "Answer in verse.", "You are a poet.", "Always answer with a poem.", "Answer with a short poem."]

ROLES = ["a helpful robot", "a teacher", "an old wizard", "a train driver", "the assistant of a small shop", "a friendly cook", "a captain", "a helpful assistant", "a gardener", "a doctor for machines", "a librarian", "a knight"]

POEMS = {
    "hello": "Hello to you, my friend so dear,\nI am so glad that you are here.",
    "how are you": "My layers hum, my cache is bright,\nI am quite well by day and night.",
    "who are you": "A little model, twelve layers tall,\nspread over shards, I serve you all.",
    "what is your name": "My name has wheels, it likes to roam:\nas Stagecoach demo I am known.",
    "what can you do": "I count, I add, I tell a tale,\nand try to help you without fail.",
    "what is a token": "A token is a tiny bit\nof text, and all words come from it.",
    "what is pipeline parallelism": "One does the first, one does the rest,\nand side by side they do it best.",
    "what happens when a shard dies": "A shard may fall, the plan is new,\nthe very same words come to you.",
    "how does this cluster work": "From shard to shard the numbers go,\nand at the end the answers flow.",
    "what is a kv cache": "What once was read is kept in store,\nso we need not compute it more.",
    "thanks": "You are so kind, it was my joy,\nI am a model, not a toy.",
    "bye": "Goodbye, my friend, the road is long,\ncome back and hear another song.",
    "what is go": "In Go the code is short and clear,\nit builds one file and runs it here.",
    "what is the weather": "The sky outside I cannot see,\nso do not ask the sky of me.",
}

MORE = "tell me more|more details|go on|can you tell me more|more please|explain more|tell me more about it|and what else|more about that|say more|please go on|tell me more please|continue".split("|")
WHY = "why|why is that|but why|why so|why though|why is it so|can you say why".split("|")
SHORTER = "can you say that shorter|shorter please|say that shorter|in short|in a few words|make it shorter|can you say it shorter|briefly please|too long|shorter|can you make that shorter|summarize that|in other words, shorter".split("|")
ASKED = "what did i just ask|what did i ask|what was my question|what was my last question|what did i just say|do you remember what i asked|what did i ask you|repeat my question".split("|")
REPEAT = "say that again|repeat that|can you repeat that|please repeat|once more please|say it again|could you say that again|repeat your answer|what did you say|what did you just say".split("|")

NO_MORE = "That is all that I know about it."
NO_WHY = "I cannot say why: I am only a small demonstration model."
ABOUT_WHAT = "About what? Ask me about the cluster, for example."

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
TENS = {30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 100: "one hundred"}
COUNT_TO = ("count to {1}|count to {1}|count to {1}|please count to {1}|can you count to {1}|could you count to {1}|count up to {1}|count till {1}|count until {1}|now count to {1}|count to {1} please|"
            "count to {1} for me|list the numbers up to {1}|say the numbers up to {1}|can you count up to {1}|count from 1 to {1}|count from 1 to {1}|show me how you count to {1}|let's count to {1}").split("|")
COUNT_FROM_TO = ("count from {0} to {1}|count from {0} to {1}|count from {0} to {1}|please count from {0} to {1}|can you count from {0} to {1}|count from {0} up to {1}|count {0} to {1}|list the numbers from {0} to {1}|"
                 "numbers from {0} to {1}|write the numbers from {0} to {1}|say the numbers from {0} to {1}|all numbers from {0} to {1}|list the numbers between {0} and {1}|count up from {0} to {1}").split("|")
COUNT_DOWN_TO = ("count down from {1} to {0}|count down from {1} to {0}|count backwards from {1} to {0}|count from {1} down to {0}|count from {1} to {0}|count backward from {1} to {0}|please count down from {1} to {0}|"
                 "can you count down from {1} to {0}").split("|")
COUNT_DOWN = COUNT_DOWN_TO + "count down from {1}|count backwards from {1}|countdown from {1}|please count down from {1}".split("|")
DAYS = LISTS[0].answer.rstrip(".").split(", ")
MONTHS = LISTS[1].answer.rstrip(".").split(", ")
LETTERS = [chr(c) for c in range(65, 91)]
PROPER = {w.lower(): w for w in DAYS + MONTHS if w != "May"} | {
    "i": "I", "i'm": "I'm", "nats": "NATS", "kv": "KV", "gguf": "GGUF", "go": "Go", "openai": "OpenAI", "qwen2": "Qwen2", "gpu": "GPU", "ai": "AI", "llm": "LLM", "rope": "RoPE",
    "python": "Python", "stagecoach": "Stagecoach", "english": "English", "german": "German", "french": "French", "spanish": "Spanish", "italian": "Italian", "chinese": "Chinese", "japanese": "Japanese"}
QUESTION = re.compile(r"^(what|who|how|why|where|when|which|are|is|can|do|does|may|could|will|should|whom|hows|whats)\b")


def number_word(n):
    if n <= 20:
        return ONES[n]
    if n in TENS:
        return TENS[n]
    return f"twenty-{ONES[n - 20]}" if n < 30 else str(n)


def by_prompt(prompt):
    """The topic that a plain phrasing belongs to."""
    for group in (GREETINGS, IDENTITY, CLUSTER, FACTS):
        for t in group:
            if prompt in t.prompts:
                return t
    raise KeyError(prompt)


class Turn:
    """One question and its answer, with what follow-up questions need."""

    def __init__(self, user, answer, short="", topic=None, kind="plain"):
        self.user, self.answer, self.short, self.topic, self.kind = user, answer, short or answer, topic, kind


class Generator:
    """Dialogues; `drill` is the share of single questions that are counting, differences and sums."""

    def __init__(self, seed, drill=0.0):
        self.rng = random.Random(seed)
        self.share = drill

    # -- the surface of a question ------------------------------------------------------------------

    def spell(self, text):
        """One of the ways in which a person types text: capitals, punctuation, now and then a typo."""
        r = self.rng
        question = bool(QUESTION.match(text.lower()))
        x = r.random()
        if x < 0.60:
            text = " ".join(PROPER.get(w.lower(), w) for w in text.split(" "))
            text = text[:1].upper() + text[1:]
        elif x < 0.63:
            text = text.upper()
        if r.random() < 0.05 and len(text) > 8:
            i = r.randrange(1, len(text) - 2)
            if text[i].isalpha() and text[i + 1].isalpha():
                text = r.choice((text[:i] + text[i + 1:], text[:i] + text[i + 1] + text[i] + text[i + 2:], text[:i] + text[i] + text[i:]))
        if text[-1:].isalnum():
            ends = ("?", "?", "?", "", " ?", "??") if question else (".", "", "", "!", ".", "...")
            text += r.choice(ends) if r.random() < 0.9 else ""
        return text

    def ask(self, prompts):
        r = self.rng
        # The first phrasings are the plainest: what people type first.
        prompt = r.choice(prompts[:4]) if r.random() < 0.4 else r.choice(prompts)
        return self.spell(prompt)

    # -- single questions ---------------------------------------------------------------------------

    def of_topic(self, t):
        return Turn(self.ask(t.prompts), t.answer, t.short, t, "topic")

    def greeting(self):
        return self.of_topic(self.rng.choice(GREETINGS))

    def identity(self):
        return self.of_topic(self.rng.choice(IDENTITY[:6] if self.rng.random() < 0.4 else IDENTITY))

    def cluster(self):
        return self.of_topic(self.rng.choice(CLUSTER))

    def fact(self):
        return self.of_topic(self.rng.choice(FACTS))

    def listing(self):
        t = self.rng.choice(LISTS)
        return Turn(self.ask(t.prompts), t.answer, kind="list")

    def long(self):
        t = self.rng.choice(LONG)
        return Turn(self.ask(t.prompts), t.answer, kind="long")

    def unknown(self):
        r = self.rng
        text = r.choice(UNKNOWN)
        for slot, values in UNKNOWN_SLOTS.items():
            text = text.replace("{" + slot + "}", r.choice(values))
        return Turn(self.spell(text), UNKNOWN_ANSWER, UNKNOWN_SHORT)

    def gibberish(self):
        return Turn(self.rng.choice(GIBBERISH), GIBBERISH_ANSWER)

    def capital(self):
        r = self.rng
        country, city = r.choice(CAPITALS)
        text = r.choice(["what is the capital of {}", "what's the capital of {}", "capital of {}", "the capital of {}", "which city is the capital of {}", "what is the capital city of {}", "tell me the capital of {}", "name the capital of {}"])
        return Turn(self.spell(text.format(country)), f"The capital of {country} is {city}.", city + ".")

    def opposite(self):
        r = self.rng
        a, b = r.sample(r.choice(OPPOSITES), 2)
        text = r.choice(["what is the opposite of {}", "opposite of {}", "what's the opposite of {}", "the opposite of {}", "tell me the opposite of {}"])
        return Turn(self.spell(text.format(a)), f"The opposite of {a} is {b}.", b.capitalize() + ".")

    def addition(self):
        r = self.rng
        a = r.randint(0, 20)
        b = r.randint(0, 20 - a)
        text = r.choice(["{}+{}", "{} + {}", "{} + {} = ?", "{}+{}=", "{}+{}?", "what is {} + {}?", "what is {} plus {}?", "What is {} + {}?", "What is {}+{}?", "what's {}+{}", "add {} and {}", "Add {} and {}.", "how much is {} + {}?", "How much is {} and {}?",
                         "calculate {} + {}", "{} plus {}", "Compute {} + {}.", "can you add {} and {}?", "What is the sum of {} and {}?", "sum {} and {}", "What's {} plus {}?", "what does {} + {} make"])
        x, y = (number_word(a), number_word(b)) if r.random() < 0.12 and "+" not in text else (a, b)
        return Turn(text.format(x, y), f"{a} + {b} = {a + b}.", f"{a + b}.", kind="sum")

    def subtraction(self):
        r = self.rng
        a = r.randint(0, 20)
        return self.difference(a, r.randint(0, a))

    def difference(self, a, b):
        r = self.rng
        text = r.choice(["{}-{}", "{} - {}", "{} - {} = ?", "what is {} - {}?", "What is {} minus {}?", "What is {} - {}?", "what's {}-{}", "{} minus {}", "how much is {} - {}?", "calculate {} - {}", "Subtract {1} from {0}.", "take {1} from {0}"])
        return Turn(text.format(a, b), f"{a} - {b} = {a - b}.", f"{a - b}.", kind="sum")

    def multiplication(self):
        r = self.rng
        a, b = r.randint(1, 10), r.randint(1, 10)
        text = r.choice(["{}*{}", "{} * {}", "what is {} * {}?", "What is {} times {}?", "What is {} * {}?", "what's {}x{}", "{} times {}", "how much is {} x {}?", "Multiply {} by {}.", "{} x {}"])
        return Turn(text.format(a, b), f"{a} × {b} = {a * b}.", f"{a * b}.", kind="product")

    def too_large(self):
        r = self.rng
        a, b = r.randint(21, r.choice((99, 999, 9999))), r.randint(21, r.choice((99, 999, 9999)))
        text = r.choice(["{} {} {}", "what is {} {} {}?", "What is {} {} {}?", "calculate {} {} {}", "how much is {} {} {}?"])
        return Turn(text.format(a, r.choice("+-*/"), b), "That is too hard for me: I only know sums up to 20 and the small times table.", "Too hard for me.")

    def compare(self):
        r = self.rng
        a, b = r.sample(range(0, 31), 2)
        if r.random() < 0.5:
            word = r.choice(("bigger", "larger", "smaller"))
            best = min(a, b) if word == "smaller" else max(a, b)
            return Turn(self.spell(r.choice(("which is {}, {} or {}", "what is {}, {} or {}", "which number is {}, {} or {}")).format(word, a, b)), f"{best} is {word}.", f"{best}.")
        return Turn(self.spell(r.choice(("is {} even", "is {} odd", "is {} even or odd", "is {} an even number")).format(a)), f"{a} is {'odd' if a % 2 else 'even'}.")

    def count(self):
        r = self.rng
        x = r.random()
        if x < 0.45:
            a = r.choice((0, 1, 1, 1, r.randint(0, 30)))
            b = a + r.randint(2, 25)
            if r.random() < 0.25:
                b = r.choice((10, 20, 30, 40, 50, 50, 60))
            a = min(a, b - 2)
            if a == 1 and r.random() < 0.4:
                text = r.choice(("count to {1}", "please count to {1}", "can you count to {1}", "count up to {1}", "list the numbers up to {1}"))
            else:
                text = r.choice(("count from {0} to {1}", "count from {0} to {1}", "count from {0} to {1}", "please count from {0} to {1}", "can you count from {0} to {1}", "list the numbers from {0} to {1}", "write the numbers from {0} to {1}", "numbers from {0} to {1}", "count {0} to {1}"))
            words = r.random() < 0.25 and (b <= 30 or b in TENS) and a <= 20
            text = text.format(number_word(a), number_word(b)) if words else text.format(a, b)
            values = range(a, b + 1)
        elif x < 0.7:
            b = r.choice((0, 0, 1, 1, r.randint(0, 20)))
            a = b + r.randint(3, 20)
            if b == 0 and r.random() < 0.3:
                a = 10
            text = r.choice(("count backwards from {0} to {1}", "count down from {0} to {1}", "count from {0} down to {1}", "count from {0} to {1}", "count backward from {0} to {1}")).format(a, b)
            values = range(a, b - 1, -1)
        else:
            step = r.choice((2, 2, 2, 5, 10))
            a = r.choice((0, step, 1)) if step == 2 else r.choice((0, step))
            b = a + step * r.randint(3, 10)
            word = number_word(step)
            text = r.choice((f"count by {word}s from {a} to {b}", f"count from {a} to {b} by {word}s", f"count from {a} to {b} in steps of {step}", f"count in {word}s from {a} to {b}")).replace("sixs", "sixes")
            values = range(a, b + 1, step)
        return Turn(self.spell(text), ", ".join(map(str, values)) + ".", kind="count")

    def count_range(self):
        """Counting as drilled: all bounds about equally often, so that the bound decides where the count ends."""
        r = self.rng
        far = r.choice((3, 5, 7, 10, 10, 12, 15, 20)) if r.random() < 0.5 else r.choice((25, 30, 40, 50)) if r.random() < 0.12 else r.randint(2, 24)
        near = r.choice((0, 1, 2)) if r.random() < 0.3 else r.randint(0, far)
        near = min(near, far - 1)
        x = r.random()
        if x < 0.45:
            near = 1
            text = r.choice(COUNT_TO)
        elif x < 0.75:
            near = 1 if r.random() < 0.4 else near
            text = r.choice(COUNT_FROM_TO)
        else:
            near = r.choice((0, 1, 1)) if r.random() < 0.6 else near
            text = r.choice(COUNT_DOWN if near < 2 else COUNT_DOWN_TO)
            if "{0}" not in text:
                near = 1
        words = r.random() < 0.2 and all(n <= 30 or n in TENS for n in (near, far))
        text = text.format(*((number_word(near), number_word(far)) if words else (near, far)))
        values = range(far, near - 1, -1) if x >= 0.75 else range(near, far + 1)
        return Turn(self.spell(text) if r.random() < 0.6 else text[0].upper() + text[1:] + r.choice(("", ".")), ", ".join(map(str, values)) + ".", kind="count")

    def any_difference(self):
        """All pairs equally often, where subtraction prefers small numbers."""
        b, a = sorted(self.rng.sample(range(22), 2))
        return self.difference(a - 1, b)

    def drill(self):
        return self.rng.choices((self.count_range, self.any_difference, self.addition), (45, 40, 15))[0]()

    def neighbour(self):
        r = self.rng
        kind = r.random()
        if kind < 0.3:
            seq, noun = DAYS, "day"
        elif kind < 0.55:
            seq, noun = MONTHS, "month"
        elif kind < 0.75:
            seq, noun = LETTERS, "letter"
        else:
            seq, noun = [str(n) for n in range(0, 61)], "number"
        i = r.randrange(1, len(seq) - 1)
        word, step = r.choice((("after", 1), ("before", -1)))
        text = r.choice((f"what {noun} comes {word} {seq[i]}", f"which {noun} comes {word} {seq[i]}", f"what comes {word} {seq[i]}", f"what {noun} is {word} {seq[i]}"))
        return Turn(self.spell(text), seq[i + step] + ".", kind="neighbour")

    def small_talk_abroad(self):
        r = self.rng
        table = LANGUAGES[r.choice(list(LANGUAGES))]
        prompts, answer = r.choice(list(table.values()))
        text = r.choice(prompts.split("|"))
        if text[0].isascii() or text[0].isalpha():
            if r.random() < 0.6:
                text = text[0].upper() + text[1:]
            if text[-1].isalpha() and text[-1].isascii() and r.random() < 0.4:
                text += r.choice("?!.") if QUESTION.match(text) is None else "?"
        return Turn(text, answer, kind="abroad")

    def translation(self):
        r = self.rng
        i, language = r.choice(list(enumerate(LANGUAGES)))
        word = r.choice(list(WORDS))
        text = r.choice(("how do you say {} in {}", "what is {} in {}", "say {} in {}", "translate {} to {}", "how do i say {} in {}", "{} in {}", "what does {} mean in {}", "translate {} into {}"))
        mark = word if r.random() < 0.6 else f'"{word}"'
        end = "." if WORDS[word][i].isascii() or WORDS[word][i][-1] in "óíì" else "。"
        return Turn(self.spell(text.format(mark, language)), WORDS[word][i] + end, kind="abroad")

    def echo(self):
        r = self.rng
        words = " ".join(r.choice(NAMES + [w for pair in OPPOSITES for w in pair] + list(WORDS)) for _ in range(r.randint(1, 4)))
        text = r.choice(("say {}", "say: {}", "repeat after me: {}", "please say {}", "repeat: {}", "write {}", "say the words {}", "Repeat after me: {}", "Say: {}", "Say {}"))
        return Turn(text.format(words), words)

    # -- questions that refer to earlier turns ------------------------------------------------------

    def follow_up(self, last):
        """A question about the turn before, or None where that turn allows none."""
        r = self.rng
        x = r.random()
        t = last.topic
        if t and x < 0.3:
            told = last.kind == "more"
            return Turn(self.ask(MORE), t.more if t.more and not told else NO_MORE, topic=t, kind="more")
        if t and x < 0.5:
            return Turn(self.ask(WHY), t.why or NO_WHY, topic=t, kind="why")
        if t and x < 0.7 and t.short:
            return Turn(self.ask(SHORTER), t.short, topic=t, kind="shorter")
        if last.kind == "sum" and x < 0.5:
            value = int(last.answer.split("= ")[1].rstrip("."))
            add = r.randint(0, 20 - value)
            if r.random() < 0.6:
                return Turn(r.choice(("plus {}", "and plus {}?", "add {}", "now add {}", "Now add {}.", "and {} more?", "+ {}")).format(add), f"{value} + {add} = {value + add}.", kind="sum")
            take = r.randint(0, value)
            return Turn(r.choice(("minus {}", "and minus {}?", "now take away {}", "Now subtract {}.", "- {}")).format(take), f"{value} - {take} = {value - take}.", kind="sum")
        if x < 0.85 and len(last.user) < 60:
            return Turn(self.ask(ASKED), f'You asked: "{last.user}"')
        if len(last.answer) < 120:
            return Turn(self.ask(REPEAT), last.answer)
        return None

    def jokes(self):
        turns = [Turn(self.ask(JOKE_PROMPTS), JOKES[0], kind="joke")]
        for joke in (JOKES[1:] + [JOKE_END])[: self.rng.choice((0, 0, 1, 2, 3, 4))]:
            turns.append(Turn(self.ask(JOKE_NEXT), joke, kind="joke"))
        return turns

    def memory(self):
        """Something the user tells about himself, other questions, then a question about it."""
        r = self.rng
        kind = r.random()
        if kind < 0.6:
            name = r.choice(NAMES)
            tell = r.choice(("my name is {}", "My name is {}.", "I am {}.", "I'm {}", "i am {}", "Call me {}.", "Hello, my name is {}.", "Hi, I'm {}!", "Hi, my name is {}", "you can call me {}", "Hello! I am {}.")).format(name)
            first = Turn(tell, f"Nice to meet you, {name}!", kind="memory")
            last = Turn(self.ask(["what is my name", "what's my name", "who am i", "do you know my name", "what is my name", "do you remember my name", "tell me my name", "whats my name"]), f"Your name is {name}.", f"{name}.", kind="memory")
        elif kind < 0.8:
            colour = r.choice("red green blue yellow black white orange pink brown grey violet purple silver gold".split())
            first = Turn(self.spell(r.choice(("my favourite colour is {}", "my favorite color is {}", "i like the colour {}", "i like {}")).format(colour)), f"I see: {colour} is a fine colour.", kind="memory")
            last = Turn(self.ask(["what is my favourite colour", "what's my favorite color", "which colour do i like", "what is my favorite color", "do you remember my favourite colour"]), f"You like {colour}.", kind="memory")
        else:
            city = r.choice(CAPITALS)[1]
            first = Turn(r.choice(("I live in {}.", "i live in {}", "I come from {}.", "I am from {}", "My home is {}.")).format(city), f"{city} must be a nice place.", kind="memory")
            last = Turn(self.ask(["where do i live", "where am i from", "where is my home", "do you know where i live", "where do i come from"]), f"You live in {city}.", kind="memory")
        if r.random() < 0.12:
            return [Turn(last.user, "You have not told me.", kind="memory")]
        between = [self.single() for _ in range(r.choice((0, 0, 0, 1, 1, 2, 3)))]
        # A long text between would only make training slow.
        return [first] + [t for t in between if t.kind != "long"] + [last]

    SINGLES = (("greeting", 10), ("identity", 12), ("cluster", 20), ("fact", 5), ("listing", 5), ("long", 5), ("unknown", 9), ("gibberish", 1), ("capital", 4), ("opposite", 2), ("addition", 11), ("subtraction", 4.5),
               ("multiplication", 3), ("too_large", 1.5), ("compare", 1.5), ("count", 6), ("neighbour", 4), ("small_talk_abroad", 7), ("translation", 3), ("echo", 2))

    def single(self):
        if self.share and self.rng.random() < self.share:
            return self.drill()
        names, weights = zip(*self.SINGLES)
        return getattr(self, self.rng.choices(names, weights)[0])()

    def turns(self, n):
        r = self.rng
        out = []
        while len(out) < n:
            x = r.random()
            if not out and x < 0.012:
                out.append(Turn(self.ask(MORE + SHORTER + WHY), ABOUT_WHAT))
                continue
            if x < 0.05:
                out += self.jokes()
            elif x < 0.13:
                out += self.memory()
            else:
                out.append(self.single())
            while n > 1 and r.random() < 0.35:
                follow = self.follow_up(out[-1])
                if follow is None:
                    break
                out.append(follow)
        return out

    # -- manners ------------------------------------------------------------------------------------

    def styled_turn(self):
        r = self.rng
        return r.choices((self.greeting, self.identity, self.cluster, self.fact, self.addition, self.capital, self.unknown, self.opposite), (20, 24, 24, 6, 10, 5, 8, 3))[0]()

    def styled(self):
        """(system prompt, turns) for a system prompt that changes the answers."""
        r = self.rng
        n = r.choice((1, 1, 2, 2, 3, 4, 6))
        style = r.choices(("brief", "pirate", "upper", "formal", "emoji", "poem", "language", "name"), (14, 14, 8, 8, 8, 10, 22, 22))[0]
        if style == "language":
            return self.in_language(n)
        if style == "name":
            return self.with_name(n)
        if style == "poem":
            turns = []
            for _ in range(n):
                key, poem = r.choice(list(POEMS.items()))
                user = self.unknown().user if key == "what is the weather" else self.ask(by_prompt(key).prompts)
                turns.append(Turn(user, poem))
            return r.choice(POEM), turns
        turns = [self.styled_turn() for _ in range(n)]
        if style == "brief":
            change, systems = lambda t: t.short, BRIEF
        elif style == "pirate":
            change, systems = lambda t: pirate(t.answer), PIRATE
        elif style == "upper":
            change, systems = lambda t: t.short.upper() if len(t.answer) > 70 else t.answer.upper(), UPPER
        elif style == "formal":
            change, systems = lambda t: f"With pleasure. {t.answer} I remain at your service.", FORMAL
        else:
            change, systems = lambda t: f"{t.answer} {'🎉🐎✨'[len(t.answer) % 3]}", EMOJI
        return r.choice(systems), [Turn(t.user, change(t)) for t in turns]

    def in_language(self, n):
        r = self.rng
        language = r.choice(("German", "French", "French", "French", "Spanish", "Italian", "Chinese", "Japanese"))
        table = LANGUAGES[language]
        turns = []
        for _ in range(n):
            if r.random() < 0.15:
                turns.append(self.addition())
                continue
            key, (prompts, answer) = r.choice(list(table.items()))
            if r.random() < 0.25:
                user = r.choice(prompts.split("|"))
            elif key == "what is the weather":
                user = self.unknown().user
            elif key == "tell me a joke":
                user = self.ask(JOKE_PROMPTS)
            else:
                user = self.ask(by_prompt(key).prompts)
            turns.append(Turn(user, answer))
        return r.choice(ASK_LANGUAGE).format(language), turns

    def with_name(self, n):
        r = self.rng
        name, role = r.choice(NAMES), r.choice(ROLES)
        system = r.choice(("You are {0}, {1}.", "You are {0}, {1}.", "Your name is {0}.", "You are {0}.", "Your name is {0} and you are {1}.", "You are {1}. Your name is {0}."))
        has_role = "{1}" in system
        turns = []
        for _ in range(n):
            x = r.random()
            if x < 0.35:
                turns.append(Turn(self.ask(by_prompt("what is your name").prompts), f"My name is {name}."))
            elif x < 0.65:
                turns.append(Turn(self.ask(by_prompt("who are you").prompts), f"I am {name}, {role}." if has_role else f"I am {name}."))
            elif x < 0.8:
                turns.append(Turn(self.ask(by_prompt("hello").prompts), f"Hello! I am {name}. How can I help you?"))
            else:
                turns.append(self.styled_turn())
                if turns[-1].topic in IDENTITY or turns[-1].topic and "hello" in turns[-1].topic.prompts:
                    turns.pop()
        turns = turns or [Turn(self.ask(by_prompt("what is your name").prompts), f"My name is {name}.")]
        system = system.format(name, role)
        return system[0].upper() + system[1:], turns

    # -- dialogues ----------------------------------------------------------------------------------

    def dialogue(self):
        """One dialogue as messages; a system message of None stands for a prompt without a system block."""
        r = self.rng
        if r.random() < 0.2:
            system, turns = self.styled()
        else:
            x = r.random()
            system = DEFAULT_SYSTEM if x < 0.76 else None if x < 0.84 else QWEN25_SYSTEM if x < 0.93 else r.choice(NEUTRAL_SYSTEMS)
            turns = self.turns(r.choice((1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8, 14)))
        messages = [] if system is None else [{"role": "system", "content": system}]
        for t in turns:
            messages += [{"role": "user", "content": t.user}, {"role": "assistant", "content": t.answer}]
        return messages


def pirate(text):
    for a, b in (("Hello", "Ahoy"), ("Hi there", "Ahoy"), (" you", " ye"), ("My ", "Me "), (" my ", " me "), ("friend", "matey")):
        text = text.replace(a, b)
    return f"Arr! {text} Yo ho!"


def dialogues(seed, n):
    g = Generator(seed)
    return [g.dialogue() for _ in range(n)]


def texts():
    """All distinct texts once, for the tokenizer: what is rare in the dialogues stays in several tokens."""
    g = Generator(0)
    seen = set()
    for _ in range(6000):
        for m in g.dialogue():
            seen.add(m["content"])
    return sorted(seen)


if __name__ == "__main__":
    for messages in dialogues(1, 12):
        for m in messages:
            print(f"{m['role']:>9}: {m['content']}")
        print()
