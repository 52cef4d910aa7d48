"""Byte-level BPE as in GPT-2 and Qwen2: training, encoding and decoding.

Text is normalised to NFC, cut into words by Qwen2's pattern (so every digit is a word of its own), and
each byte of a word becomes one printable character (GPT-2's table); merges join neighbours within a word.
"""
import heapq
import re
import sys
import unicodedata
from collections import Counter, defaultdict


def char_class(test):
    """The inside of a [...] with every character for which test holds, as ranges."""
    out, start = [], None
    for c in range(sys.maxunicode + 2):
        inside = c <= sys.maxunicode and test(chr(c))
        if inside and start is None:
            start = c
        elif not inside and start is not None:
            out.append(f"\\U{start:08x}-\\U{c - 1:08x}")
            start = None
    return "".join(out)


L = char_class(lambda c: unicodedata.category(c)[0] == "L")
N = char_class(lambda c: unicodedata.category(c)[0] == "N")
S = char_class(lambda c: c.isspace() and not "\x1c" <= c <= "\x1f")  # Unicode's White_Space
PATTERN = re.compile(
    rf"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n{L}{N}]?[{L}]+|[{N}]| ?[^{S}{L}{N}]+[\r\n]*"
    rf"|[{S}]*[\r\n]+|[{S}]+(?![^{S}])|[{S}]+")
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def byte_alphabet():
    """GPT-2's character for each byte: itself where it is printable, else one from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {b: chr(b) for b in printable}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


BYTES = byte_alphabet()
CHARS = {c: b for b, c in BYTES.items()}


def words(text):
    for word in PATTERN.findall(unicodedata.normalize("NFC", text)):
        yield "".join(BYTES[b] for b in word.encode())


def train(texts, merges):
    """The first `merges` merges (pairs of token strings); ties go to the smaller pair."""
    counts = Counter(w for text in texts for w in words(text))
    split = [list(w) for w in sorted(counts)]
    weight = [counts["".join(s)] for s in split]
    pairs, where = Counter(), defaultdict(set)
    for i, s in enumerate(split):
        for p in zip(s, s[1:]):
            pairs[p] += weight[i]
            where[p].add(i)
    heap = [(-n, p) for p, n in pairs.items()]
    heapq.heapify(heap)
    out = []
    while len(out) < merges and heap:
        n, best = heapq.heappop(heap)
        if -n != pairs[best]:  # a stale entry: the count has changed since
            if pairs[best] > 0:
                heapq.heappush(heap, (-pairs[best], best))
            continue
        out.append(best)
        touched = set()
        for i in where.pop(best):
            s = split[i]
            for p in zip(s, s[1:]):
                pairs[p] -= weight[i]
                touched.add(p)
            split[i] = s = merge(s, best)
            for p in zip(s, s[1:]):
                pairs[p] += weight[i]
                where[p].add(i)
                touched.add(p)
        for p in touched:
            if pairs[p] > 0 and p != best:
                heapq.heappush(heap, (-pairs[p], p))
    return out


def merge(parts, pair):
    out, i = [], 0
    while i < len(parts):
        if i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair:
            out.append(parts[i] + parts[i + 1])
            i += 2
        else:
            out.append(parts[i])
            i += 1
    return out


class Tokenizer:
    """Ids: the 256 bytes in the order of GPT-2's table, one token a merge, then the special tokens."""

    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.tokens = sorted(CHARS) + [a + b for a, b in self.merges] + SPECIALS
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        assert len(self.ids) == len(self.tokens), "two merges give the same token"
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.cache = {}
        self.endoftext, self.im_start, self.im_end = (self.ids[s] for s in SPECIALS)

    def __len__(self):
        return len(self.tokens)

    def word(self, word):
        if word not in self.cache:
            parts = list(word)
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda p: self.rank.get(p, len(self.rank)))
                if best not in self.rank:
                    break
                parts = merge(parts, best)
            self.cache[word] = [self.ids[p] for p in parts]
        return self.cache[word]

    def encode(self, text):
        """Ids of plain text; the names of special tokens in it stay text."""
        return [i for w in words(text) for i in self.word(w)]

    def decode(self, ids):
        raw = b""
        for i in ids:
            t = self.tokens[i]
            raw += t.encode() if t in SPECIALS else bytes(CHARS[c] for c in t)
        return raw.decode(errors="replace")

    def dialogue(self, messages):
        """(ids, answered): the dialogue in ChatML, and for each id whether the model has to say it."""
        ids, answered = [], []
        for m in messages:
            head = [self.im_start] + self.encode(m["role"] + "\n")
            body = self.encode(m["content"]) + [self.im_end]
            tail = self.encode("\n")
            ids += head + body + tail
            said = m["role"] == "assistant"
            answered += [False] * len(head) + [said] * len(body) + [False] * len(tail)
        return ids, answered

    def branches(self, common, conversations):
        """(ids, answered, spans) of conversations that each follow the messages in common and do not see each other.

        spans are those of model.Qwen2.forward.
        """
        ids, answered = self.dialogue(common)
        shared = len(ids)
        spans = [(0, 0, shared)] if shared else []
        for messages in conversations:
            more, said = self.dialogue(messages)
            spans.append((shared, len(ids), len(ids) + len(more)))
            ids, answered = ids + more, answered + said
        return ids, answered, spans

    def prompt(self, messages):
        """The ids of Qwen2's chat template with the generation prompt."""
        if messages[0]["role"] != "system":
            messages = [{"role": "system", "content": "You are a helpful assistant."}] + messages
        return self.dialogue(messages)[0] + [self.im_start] + self.encode("assistant\n")
