"""Trains the tokenizer and the model: train.py OUT [--steps N] [--parent OUT]

Writes OUT/merges.json, and OUT/model.pt every few minutes and at the end; a run that was interrupted goes on
from there. --parent trains another run's model further, with its tokenizer, the state of its optimisers and a
new learning rate schedule. The same seed, number of steps and threads give the same model. Matrices learn by
Muon (momentum, made orthogonal by a Newton-Schulz iteration: kellerjordan.github.io/posts/muon), which here
reached a given loss in far fewer steps than AdamW; embedding, norms and biases learn by Adam, without weight
decay, so that the biases keep the size that they are given at the start.
"""
import argparse
import itertools
import json
import math
import os
import random
import time

import torch
import torch.nn.functional as F

import bpe
import corpus
import export
import gguf
import tools
from model import Config, Qwen2

PADDING_ROWS = 4  # ids past the real vocabulary, as Qwen2 has them: never trained, to be masked by the sampler


def batches(tok, seed, budget, drill, share):
    """Endless batches (ids, positions, targets, spans) of about `budget` tokens: rows of similar length, or one with branches."""
    rng = random.Random(seed)
    generator = tools.Generator(seed, drill, share)
    while True:
        rows = sorted((generator.row(tok) for _ in range(1500)), key=lambda r: len(r[0]))
        groups, group = [[row] for row in rows if len(row[2]) > 1], []
        for row in (row for row in rows if len(row[2]) == 1):
            if (len(group) + 1) * len(row[0]) > budget and group:
                groups.append(group)
                group = []
            group.append(row)
        groups.append(group)
        rng.shuffle(groups)
        for group in groups:
            yield tensors(tok, group, rng)


def tensors(tok, rows, rng):
    width = max(len(ids) for ids, _, _ in rows) - 1
    ids = torch.full((len(rows), width), tok.endoftext)
    positions = torch.zeros((len(rows), width), dtype=torch.long)
    targets = torch.full((len(rows), width), -100)
    branched = len(rows[0][2]) > 1
    spans = [(common, start, min(end, width)) for common, start, end in rows[0][2]] if branched else [(0, 0, width)]
    for n, (row, answered, _) in enumerate(rows):
        ids[n, : len(row) - 1] = torch.tensor(row[:-1])
        targets[n, : len(row) - 1] = torch.tensor([t if a else -100 for t, a in zip(row[1:], answered[1:])])
        for common, start, end in spans:
            step = torch.ones(end - start, dtype=torch.long)
            step[0] = common
            # A gap in the positions before a message stands for a long conversation in between, so that far
            # distances are trained without paying for their tokens.
            starts = [i for i in range(0 if common else 1, end - start) if start + i < len(row) and row[start + i] == tok.im_start]
            if starts and rng.random() < 0.3 and (common or not branched):
                step[rng.choice(starts)] += rng.randrange(1500)
            positions[n, start:end] = step.cumsum(0)
    return ids, positions, targets, spans


class Muon:
    """Muon over groups of equal shape, each orthogonalised as one batched product."""

    def __init__(self, groups, lr, momentum=0.95, decay=0.01):
        self.groups, self.lr, self.momentum, self.decay = groups, lr, momentum, decay
        self.buffers = [torch.zeros(len(g), *g[0].shape) for g in groups]

    @torch.no_grad()
    def step(self, scale):
        for params, buf in zip(self.groups, self.buffers):
            grad = torch.stack([p.grad for p in params])
            buf.lerp_(grad, 1 - self.momentum)
            update = orthogonal(grad.lerp(buf, self.momentum))
            rows, cols = params[0].shape
            size = self.lr * scale * max(1, rows / cols) ** 0.5
            for p, u in zip(params, update):
                p.mul_(1 - self.lr * scale * self.decay).add_(u, alpha=-size)


def orthogonal(x):
    """Five quintic Newton-Schulz steps towards the nearest orthogonal matrices of a batch."""
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.transpose(1, 2) if tall else x


def save(path, **state):
    torch.save(state, path + ".tmp")
    os.replace(path + ".tmp", path)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("out")
    ap.add_argument("--steps", type=int, default=1400)
    ap.add_argument("--batch", type=int, default=3072, help="tokens a step")
    ap.add_argument("--lr", type=float, default=0.01, help="Muon's learning rate")
    ap.add_argument("--adam-lr", type=float, default=0.003)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--parent", help="another OUT, whose tokenizer and model are trained further")
    ap.add_argument("--init", help="a GGUF file of export.py, whose tokenizer and model are trained further, with new optimisers")
    ap.add_argument("--tools", type=float, default=0.0, help="share of rows that are dialogues with tools, which are long")
    ap.add_argument("--drill", type=float, default=0.0, help="share of questions that are counting, differences, sums")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)

    cfg = Config()
    if args.init:
        metadata, initial = gguf.read(args.init)
        merges = [m.split(" ") for m in metadata["tokenizer.ggml.merges"]]
    elif args.parent:
        with open(f"{args.parent}/merges.json") as f:
            merges = json.load(f)
    else:
        merges = bpe.train(corpus.texts(), cfg.vocab - PADDING_ROWS - 256 - len(bpe.SPECIALS))
    tok = bpe.Tokenizer(merges)
    os.makedirs(args.out, exist_ok=True)
    with open(f"{args.out}/merges.json", "w") as f:
        json.dump(merges, f)

    model = Qwen2(cfg)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, vocabulary {len(tok)} + {cfg.vocab - len(tok)}", flush=True)
    matrices = [[getattr(b, name).weight for b in model.blocks] for name in ("qkv", "out", "gate_up", "down")]
    muon = Muon(matrices, args.lr)
    large = {id(p) for g in matrices for p in g}
    adam = torch.optim.Adam([p for p in model.parameters() if id(p) not in large], lr=args.adam_lr, betas=(0.9, 0.98))

    path, step = f"{args.out}/model.pt", 0
    resumed = os.path.exists(path)
    if resumed or args.parent:
        state = torch.load(path if resumed else f"{args.parent}/model.pt")
        step = state["step"] if resumed else 0
        model.load_state_dict(state["model"])
        adam.load_state_dict(state["adam"])
        muon.buffers = state["muon"]
    elif args.init:
        model.load_state_dict(export.state_dict(cfg, initial))
    start = saved = time.time()
    total, tokens = 0.0, 0
    data = batches(tok, args.seed, args.batch, args.drill, args.tools)
    for ids, positions, targets, spans in itertools.islice(data, step, args.steps):
        scale = min(1, (step + 1) / 30) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / args.steps)))
        h = model(ids, positions, spans)
        keep = targets >= 0
        loss = F.cross_entropy(model.logits(h[keep], len(tok)), targets[keep])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in adam.param_groups:
            group["lr"] = args.adam_lr * scale
        adam.step()
        muon.step(scale)
        model.zero_grad(set_to_none=True)
        step, tokens, total = step + 1, tokens + ids.numel(), total + loss.item()
        if step % 20 == 0:
            seconds = time.time() - start
            print(f"step {step} loss {total / 20:.4f} {tokens / seconds:.0f} tokens/s {seconds:.0f} s", flush=True)
            total = 0.0
        if time.time() - saved > 120 or step == args.steps:
            saved = time.time()
            save(path, step=step, model=model.state_dict(), adam=adam.state_dict(), muon=muon.buffers)


if __name__ == "__main__":
    main()
