import torch
import torch.nn.functional as F
from torch import nn

TEXTS = ["to be", "or not", "that is", "", "the q"]
LETTERS = " abehinoqrstu"


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.qkv, self.proj, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, x, pad):
        B, T, C = x.shape
        q, k, v = (part.view(B, T, self.heads, C // self.heads).transpose(1, 2) for part in self.qkv(x).split(C, dim=2))
        scores = q @ k.transpose(-2, -1) * (C // self.heads) ** -0.5
        scores = scores.masked_fill(torch.ones(T, T).triu(1) > 0, float("-inf"))
        scores = scores.masked_fill(pad[:, None, None, :], float("-inf"))
        weights = F.softmax(scores, dim=-1)
        mixed = weights @ v
        return self.proj(mixed.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(width), Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, pad):
        x = x + self.attn(self.ln_1(x), pad)
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, width=8, heads=2, blocks=2, context=6):
        super().__init__()
        self.tok, self.pos = nn.Embedding(len(LETTERS) + 1, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.ln_f, self.head = nn.LayerNorm(width), nn.Linear(width, len(LETTERS) + 1, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, ids, targets):
        pad = ids == 0
        x = self.tok(ids) + self.pos(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x, pad)
        logits = self.head(self.ln_f(x))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=0)


def batch(texts):
    rows = [[1 + LETTERS.index(letter) for letter in text] for text in texts]
    rows = torch.tensor([row + [0] * (7 - len(row)) for row in rows])
    return rows[:, :-1], rows[:, 1:]


torch.manual_seed(0)
model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, foreach=False)
for step in range(4):
    ids, targets = batch(TEXTS[step : step + 2])
    optimizer.zero_grad()
    loss = model(ids, targets)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
