"""The Qwen2 architecture in PyTorch, at the size of the demo model.

Shapes: x [batch, time, hidden]. Linear weights are [out, in], as in Hugging Face and GGUF. q, k and v
share one matrix here, and so do gate and up, because fewer and larger products are faster on a CPU;
state_to_gguf in export.py takes them apart.
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Config:
    layers: int = 12
    hidden: int = 256
    heads: int = 4
    kv_heads: int = 2  # two, so that a wrong map from heads to kv heads shows
    head_dim: int = 64
    ffn: int = 512
    vocab: int = 2560
    context: int = 2048
    theta: float = 1e6
    eps: float = 1e-6


class RMSNorm(nn.Module):
    def __init__(self, n, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rope_tables(cfg, positions):
    """cos and sin [batch, time, 1, head_dim/2] for integer positions [batch, time]."""
    half = cfg.head_dim // 2
    freq = cfg.theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = positions.double().unsqueeze(-1) * freq
    return angle.cos().float().unsqueeze(2), angle.sin().float().unsqueeze(2)


def rope(x, cos, sin):
    """Rotates element i with element i + head_dim/2, the pairing of Hugging Face's Qwen2."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        q, kv = cfg.heads * cfg.head_dim, cfg.kv_heads * cfg.head_dim
        self.attn_norm = RMSNorm(cfg.hidden, cfg.eps)
        self.qkv = nn.Linear(cfg.hidden, q + 2 * kv)
        self.out = nn.Linear(q, cfg.hidden, bias=False)
        self.ffn_norm = RMSNorm(cfg.hidden, cfg.eps)
        self.gate_up = nn.Linear(cfg.hidden, 2 * cfg.ffn, bias=False)
        self.down = nn.Linear(cfg.ffn, cfg.hidden, bias=False)

        std = cfg.hidden ** -0.5
        residual = std / math.sqrt(2 * cfg.layers)
        nn.init.normal_(self.qkv.weight, std=std)
        nn.init.normal_(self.gate_up.weight, std=std)
        nn.init.normal_(self.out.weight, std=residual)
        nn.init.normal_(self.down.weight, std=residual)
        # Large from the start, so that the model comes to depend on them: an engine that drops the
        # biases must give other answers.
        nn.init.normal_(self.qkv.bias[: q + kv], std=1.0)
        nn.init.normal_(self.qkv.bias[q + kv:], std=0.2)

    def forward(self, x, cos, sin, spans):
        c = self.cfg
        b, t, _ = x.shape
        q, kv, group = c.heads * c.head_dim, c.kv_heads * c.head_dim, c.heads // c.kv_heads
        qkv = self.qkv(self.attn_norm(x))
        qk = rope(qkv[..., : q + kv].view(b, t, c.heads + c.kv_heads, c.head_dim), cos, sin)
        # Query heads g*group .. g*group+group-1 read kv head g.
        qs = qk[:, :, : c.heads].view(b, t, c.kv_heads, group, c.head_dim).permute(0, 2, 3, 1, 4)
        ks = qk[:, :, c.heads:].permute(0, 2, 3, 1)
        vs = qkv[..., q + kv:].view(b, t, c.kv_heads, c.head_dim).transpose(1, 2)
        o = torch.cat([self.attend(qs, ks, vs, *span) for span in spans], dim=3)
        x = x + self.out(o.permute(0, 3, 1, 2, 4).reshape(b, t, q))
        gate, up = self.gate_up(self.ffn_norm(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)

    def attend(self, qs, ks, vs, common, start, end):
        """Attention of the queries from start to end to the first `common` keys and to those from start on.

        Shapes: qs [batch, kv heads, group, time, dim], ks [batch, kv heads, dim, time], vs [batch, kv heads, time, dim].
        """
        b, kv_heads, group, _, dim = qs.shape
        n = end - start
        if common:
            ks = torch.cat((ks[..., :common], ks[..., start:end]), dim=3)
            vs = torch.cat((vs[:, :, :common], vs[:, :, start:end]), dim=2)
        else:
            ks, vs = ks[..., start:end], vs[:, :, start:end]
        # The query heads of a group are stacked along time.
        scores = (qs[:, :, :, start:end] * dim ** -0.5).reshape(b, kv_heads, group * n, dim) @ ks
        future = torch.full((n, common + n), float("-inf")).triu(common + 1)
        scores = scores.view(b, kv_heads, group, n, common + n).add_(future)  # in place: the largest tensor of all
        probs = scores.softmax(-1).view(b, kv_heads, group * n, common + n)
        return (probs @ vs).view(b, kv_heads, group, n, dim)


class Qwen2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed = nn.Embedding(cfg.vocab, cfg.hidden)
        nn.init.normal_(self.embed.weight, std=cfg.hidden ** -0.5)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.layers))
        self.norm = RMSNorm(cfg.hidden, cfg.eps)

    def forward(self, ids, positions, spans):
        """Hidden states [batch, time, hidden] after the last norm; logits are their product with embed.

        spans cut time into parts (common, start, end), in all rows alike: the tokens from start to end see, of the
        tokens before start, the first `common`. The span (0, 0, time) is the usual case.
        """
        cos, sin = rope_tables(self.cfg, positions)
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, cos, sin, spans)
        return self.norm(x)

    def logits(self, hidden, real_vocab):
        """Logits [n, real_vocab]; the padding rows of the embedding take no part in training."""
        return hidden @ self.embed.weight[:real_vocab].t()
