"""A plain forward pass over a GGUF file on the dequantised weights: what the pins are made with, in float64.

It is written apart from model.py on purpose, in the layout of the file, so that a mistake in the export
shows as answers that make no sense. Shapes: x [time, hidden]; a matrix of the file is [out, in].
"""
import numpy as np
import torch

import bpe
import gguf


class Tokens(bpe.Tokenizer):
    """The tokenizer as the file has it, with its padding ids left out."""

    def __init__(self, metadata):
        super().__init__(tuple(m.split(" ")) for m in metadata["tokenizer.ggml.merges"])
        assert self.tokens == metadata["tokenizer.ggml.tokens"][:len(self)]


def exact(x):
    return x


def eight_bits(x):
    """Activations as an engine with int8 products sees them: 32 values share the scale max/127."""
    blocks = x.reshape(-1, 32)
    scale = blocks.abs().amax(1, keepdim=True).clamp_min(1e-30) / 127
    return ((blocks / scale).round() * scale).reshape(x.shape)


class Reference:
    """One model; forward keeps keys and values, so that a sequence can be continued.

    The keyword arguments are what an engine may get wrong, see MUTATIONS; round_input stands for an
    engine's arithmetic and is applied to the input of every matrix.
    """

    def __init__(self, metadata, tensors, bias=True, interleaved=False, theta=None, kv_map="grouped",
                 round_input=exact, dtype=torch.float64):
        m = metadata
        self.dtype = dtype
        self.w = {name: torch.tensor(np.array(x), dtype=dtype) for name, x in tensors.items()}
        self.layers = m["qwen2.block_count"]
        self.heads, self.kv_heads = m["qwen2.attention.head_count"], m["qwen2.attention.head_count_kv"]
        self.dim = m["qwen2.embedding_length"] // self.heads
        self.eps = m["qwen2.attention.layer_norm_rms_epsilon"]
        self.theta = theta or m["qwen2.rope.freq_base"]
        self.real = m["tokenizer.ggml.token_type"].count(1) + m["tokenizer.ggml.token_type"].count(3)
        self.bias, self.interleaved, self.round_input = bias, interleaved, round_input
        group = self.heads // self.kv_heads
        self.kv_of = [h // group if kv_map == "grouped" else h % self.kv_heads for h in range(self.heads)]
        self.reset()

    def reset(self):
        self.k = [torch.zeros(0, self.kv_heads, self.dim, dtype=self.dtype) for _ in range(self.layers)]
        self.v = list(self.k)

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.w[name]

    def project(self, x, name):
        y = self.round_input(x) @ self.w[f"{name}.weight"].T
        return y + self.w[f"{name}.bias"] if self.bias and f"{name}.bias" in self.w else y

    def rope(self, x, start):
        half = self.dim // 2
        freq = self.theta ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = torch.arange(start, start + len(x), dtype=torch.float64)[:, None, None] * freq
        cos, sin = angle.cos().to(self.dtype), angle.sin().to(self.dtype)
        if self.interleaved:
            a, b = x[..., 0::2], x[..., 1::2]
            return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
        a, b = x[..., :half], x[..., half:]
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def attention(self, x, i):
        n, start = len(x), len(self.k[i])
        q = self.rope(self.project(x, f"blk.{i}.attn_q").view(n, self.heads, self.dim), start)
        k = self.rope(self.project(x, f"blk.{i}.attn_k").view(n, self.kv_heads, self.dim), start)
        v = self.project(x, f"blk.{i}.attn_v").view(n, self.kv_heads, self.dim)
        self.k[i], self.v[i] = torch.cat((self.k[i], k)), torch.cat((self.v[i], v))
        keys, values = self.k[i][:, self.kv_of], self.v[i][:, self.kv_of]
        scores = torch.einsum("qhd,khd->hqk", q, keys) * self.dim ** -0.5
        future = torch.full((n, start + n), float("-inf"), dtype=self.dtype).triu(start + 1)
        out = torch.einsum("hqk,khd->qhd", (scores + future).softmax(-1), values)
        return self.project(out.reshape(n, -1), f"blk.{i}.attn_output")

    def feed_forward(self, x, i):
        gate, up = self.project(x, f"blk.{i}.ffn_gate"), self.project(x, f"blk.{i}.ffn_up")
        return self.project(torch.nn.functional.silu(gate) * up, f"blk.{i}.ffn_down")

    @torch.no_grad()
    def forward(self, ids):
        """Logits [time, real vocabulary] after each of ids, which follow what came since reset."""
        x = self.w["token_embd.weight"][torch.tensor(ids)]
        for i in range(self.layers):
            x = x + self.attention(self.norm(x, f"blk.{i}.attn_norm.weight"), i)
            x = x + self.feed_forward(self.norm(x, f"blk.{i}.ffn_norm.weight"), i)
        x = self.round_input(self.norm(x, "output_norm.weight"))
        return x @ self.w["token_embd.weight"][:self.real].T

    def greedy(self, prompt, end, limit):
        """(ids, gap): the most likely continuation, `end` included, and the smallest gap on the way
        between the largest logit and the second."""
        self.reset()
        logits, ids, gap = self.forward(prompt)[-1], [], float("inf")
        while len(ids) < limit:
            (first, second), (best, _) = logits.topk(2)
            gap = min(gap, (first - second).item())
            ids.append(best.item())
            if ids[-1] == end:
                break
            logits = self.forward(ids[-1:])[-1]
        return ids, gap

    def agrees(self, prompt, answer):
        """The number of ids of answer before the first that this model would not have chosen."""
        self.reset()
        best = self.forward(prompt + answer[:-1])[len(prompt) - 1:].argmax(-1).tolist()
        return next((n for n, (a, b) in enumerate(zip(answer, best)) if a != b), len(answer))


# What an engine may get wrong, each as an argument of Reference.
MUTATIONS = {
    "no bias": {"bias": False},
    "interleaved rope": {"interleaved": True},
    "rope theta 1e4": {"theta": 1e4},
    "kv heads mapped by remainder": {"kv_map": "remainder"},
}
