"""Writes a trained model as GGUF: export.py OUT model.gguf

Names of keys and tensors are llama.cpp's for Qwen2. Matrices become Q8_0; norms and biases stay F32.
"""
import json
import pathlib
import sys

import torch

import bpe
import gguf
from model import Config

# Writes what Qwen2's and Qwen2.5's templates write; the router falls back to the same file.
CHAT_TEMPLATE = pathlib.Path(__file__).parents[3] / "router/chat/chatml.jinja"

NORMAL, CONTROL, UNUSED = 1, 3, 5  # tokenizer.ggml.token_type
MOSTLY_Q8_0 = 7  # general.file_type


def metadata(cfg, tok):
    padding = [f"[PAD{i}]" for i in range(len(tok), cfg.vocab)]
    kinds = [CONTROL if t in bpe.SPECIALS else NORMAL for t in tok.tokens] + [UNUSED] * len(padding)
    return [
        ("general.architecture", gguf.STRING, "qwen2"),
        ("general.type", gguf.STRING, "model"),
        ("general.name", gguf.STRING, "Stagecoach demo"),
        ("general.description", gguf.STRING, "A very small model for demonstrations and tests"),
        ("general.quantization_version", gguf.U32, 2),
        ("general.file_type", gguf.U32, MOSTLY_Q8_0),
        ("qwen2.block_count", gguf.U32, cfg.layers),
        ("qwen2.context_length", gguf.U32, cfg.context),
        ("qwen2.embedding_length", gguf.U32, cfg.hidden),
        ("qwen2.feed_forward_length", gguf.U32, cfg.ffn),
        ("qwen2.attention.head_count", gguf.U32, cfg.heads),
        ("qwen2.attention.head_count_kv", gguf.U32, cfg.kv_heads),
        ("qwen2.attention.layer_norm_rms_epsilon", gguf.F32, cfg.eps),
        ("qwen2.rope.freq_base", gguf.F32, cfg.theta),
        ("tokenizer.ggml.model", gguf.STRING, "gpt2"),
        ("tokenizer.ggml.pre", gguf.STRING, "qwen2"),
        ("tokenizer.ggml.tokens", gguf.ARRAY, (gguf.STRING, tok.tokens + padding)),
        ("tokenizer.ggml.token_type", gguf.ARRAY, (gguf.I32, kinds)),
        ("tokenizer.ggml.merges", gguf.ARRAY, (gguf.STRING, [" ".join(m) for m in tok.merges])),
        ("tokenizer.ggml.bos_token_id", gguf.U32, tok.endoftext),
        ("tokenizer.ggml.eos_token_id", gguf.U32, tok.im_end),
        ("tokenizer.ggml.padding_token_id", gguf.U32, tok.endoftext),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, False),
        ("tokenizer.chat_template", gguf.STRING, CHAT_TEMPLATE.read_text()),
    ]


def tensors(cfg, state):
    """(name, array) of every tensor, q, k, v and gate, up taken apart again."""
    yield "token_embd.weight", state["embed.weight"]
    q, kv = cfg.heads * cfg.head_dim, cfg.kv_heads * cfg.head_dim
    for i in range(cfg.layers):
        ours = {k.removeprefix(f"blocks.{i}."): v for k, v in state.items() if k.startswith(f"blocks.{i}.")}
        split = {"attn_norm.weight": ours["attn_norm.weight"]}
        for kind in ("weight", "bias"):
            parts = ours[f"qkv.{kind}"].split((q, kv, kv))
            split |= {f"attn_{name}.{kind}": part for name, part in zip("qkv", parts)}
        split["attn_output.weight"] = ours["out.weight"]
        split["ffn_norm.weight"] = ours["ffn_norm.weight"]
        split["ffn_gate.weight"], split["ffn_up.weight"] = ours["gate_up.weight"].chunk(2)
        split["ffn_down.weight"] = ours["down.weight"]
        for name, x in split.items():
            yield f"blk.{i}.{name}", x
    yield "output_norm.weight", state["norm.weight"]


def state_dict(cfg, tensors):
    """The state of model.Qwen2 from the tensors of a file: what tensors takes apart, put together."""
    def joined(i, kind, *names):
        return torch.cat([torch.tensor(tensors[f"blk.{i}.{name}.{kind}"]) for name in names])

    state = {"embed.weight": torch.tensor(tensors["token_embd.weight"]), "norm.weight": torch.tensor(tensors["output_norm.weight"])}
    for i in range(cfg.layers):
        parts = {"attn_norm.weight": joined(i, "weight", "attn_norm"), "ffn_norm.weight": joined(i, "weight", "ffn_norm"),
                 "out.weight": joined(i, "weight", "attn_output"), "down.weight": joined(i, "weight", "ffn_down"),
                 "gate_up.weight": joined(i, "weight", "ffn_gate", "ffn_up")}
        parts |= {f"qkv.{kind}": joined(i, kind, "attn_q", "attn_k", "attn_v") for kind in ("weight", "bias")}
        state |= {f"blocks.{i}.{name}": x for name, x in parts.items()}
    return state


def main():
    out, path = sys.argv[1:]
    cfg = Config()
    with open(f"{out}/merges.json") as f:
        tok = bpe.Tokenizer(json.load(f))
    state = torch.load(f"{out}/model.pt")["model"]
    gguf.write(path, metadata(cfg, tok), [(name, x.numpy()) for name, x in tensors(cfg, state)])


if __name__ == "__main__":
    main()
