"""Typical models and one training step of each, as their users write them."""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint


def mlp():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.randn(64, 20), torch.randint(0, 3, (64,))

    def step():
        optimizer.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        return loss
    return model, optimizer, step


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)) if stride > 1 else nn.Identity()

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.down(x)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, width=8, blocks=((1, 1), (2, 2))):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        layers, cin = [], width
        for times, stride in blocks:
            layers.append(Block(cin, width * times, stride))
            cin = width * times
        self.blocks = nn.Sequential(*layers)
        self.head = nn.Linear(cin, 10)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(x)


def cnn(width=8, size=16, batch=8, blocks=((1, 1), (2, 2))):
    torch.manual_seed(0)
    model = ResNet(width, blocks)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, nesterov=True)
    x, y = torch.randn(batch, 3, size, size), torch.randint(0, 10, (batch,))

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        return loss
    return model, optimizer, step


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 24, num_layers=2, batch_first=True, dropout=0.1)
        self.out = nn.Linear(24, 50)

    def forward(self, tokens):
        h, _ = self.lstm(self.embed(tokens))
        return self.out(h)


def lstm():
    torch.manual_seed(0)
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    tokens = torch.randint(1, 50, (4, 9))

    def step():
        optimizer.zero_grad()
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, 50), tokens[:, 1:].reshape(-1), ignore_index=0)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss
    return model, optimizer, step


class Attention(nn.Module):
    def __init__(self, d, heads, dropout, sdpa):
        super().__init__()
        self.c_attn = nn.Linear(d, 3 * d)
        self.c_proj = nn.Linear(d, d)
        self.heads, self.p, self.sdpa = heads, dropout, sdpa
        self.attn_dropout, self.resid_dropout = nn.Dropout(dropout), nn.Dropout(dropout)
        self.register_buffer("mask", torch.tril(torch.ones(512, 512)).view(1, 1, 512, 512))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(C, dim=2)
        k = k.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        q = q.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        v = v.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        if self.sdpa:
            y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.p if self.training else 0, is_causal=True)
        else:
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf"))
            att = self.attn_dropout(F.softmax(att, dim=-1))
            y = att @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.resid_dropout(self.c_proj(y))


class GPTBlock(nn.Module):
    def __init__(self, d, heads, dropout, sdpa):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(d), Attention(d, heads, dropout, sdpa), nn.LayerNorm(d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d), nn.Dropout(dropout))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x


class GPT(nn.Module):
    def __init__(self, vocab=65, d=32, heads=4, layers=2, context=32, dropout=0.1, sdpa=True, ckpt=False):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab, d), nn.Embedding(context, d)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([GPTBlock(d, heads, dropout, sdpa) for _ in range(layers)])
        self.ln_f, self.lm_head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)
        self.wte.weight = self.lm_head.weight
        self.ckpt = ckpt

    def forward(self, idx, targets):
        pos = torch.arange(0, idx.shape[1], device=idx.device)
        x = self.drop(self.wte(idx) + self.wpe(pos))
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.ckpt else block(x)
        logits = self.lm_head(self.ln_f(x))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


def gpt(d=32, layers=2, heads=4, batch=4, context=16, dropout=0.1, sdpa=True, ckpt=False, fused=None, amp=False, accumulate=1, vocab=65):
    torch.manual_seed(0)
    model = GPT(vocab, d, heads, layers, context, dropout, sdpa, ckpt)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=fused)
    data = torch.randint(0, vocab, (accumulate, batch, context + 1))

    def step():
        for micro in range(accumulate):
            X, Y = data[micro, :, :-1], data[micro, :, 1:].contiguous()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=amp):
                logits, loss = model(X, Y)
                loss = loss / accumulate
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss
    return model, optimizer, step


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.mu, self.logvar = nn.Linear(49, 24), nn.Linear(24, 4), nn.Linear(24, 4)
        self.dec = nn.Sequential(nn.Linear(4, 24), nn.LeakyReLU(0.1), nn.Linear(24, 49))

    def forward(self, x):
        h = F.silu(self.enc(x))
        mu, logvar = self.mu(h), self.logvar(h)
        std = torch.exp(0.5 * logvar)
        z = mu + torch.randn_like(std) * std
        return self.dec(z), mu, logvar


def vae():
    torch.manual_seed(0)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=False)
    x = torch.rand(16, 49)

    def step():
        optimizer.zero_grad()
        recon, mu, logvar = model(x)
        bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = (bce + kld) / len(x)
        loss.backward()
        optimizer.step()
        return loss
    return model, optimizer, step


class GCN(nn.Module):
    """Message passing with index_add and an attention softmax over the edges of a node (scatter_reduce)."""
    def __init__(self):
        super().__init__()
        self.lin1, self.lin2, self.att = nn.Linear(5, 8), nn.Linear(8, 2), nn.Linear(16, 1)

    def forward(self, x, edges):
        src, dst = edges
        h = F.elu(self.lin1(x))
        score = F.leaky_relu(self.att(torch.cat([h[src], h[dst]], dim=1)).squeeze(1), 0.2)
        top = torch.zeros(len(x)).scatter_reduce(0, dst, score.detach(), "amax", include_self=False)
        e = torch.exp(score - top[dst])
        total = torch.zeros(len(x)).scatter_add(0, dst, e)
        alpha = e / (total[dst] + 1e-16)
        out = torch.zeros_like(h).index_add(0, dst, h[src] * alpha.unsqueeze(1))
        return self.lin2(out)


def gnn():
    torch.manual_seed(0)
    model = GCN()
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.01)
    x, edges, y = torch.randn(12, 5), torch.randint(0, 12, (2, 40)), torch.randint(0, 2, (12,))
    train = torch.rand(12) < 0.6

    def step():
        optimizer.zero_grad()
        out = model(x, edges)
        loss = F.nll_loss(F.log_softmax(out[train], dim=1), y[train])
        loss.backward()
        optimizer.step()
        return loss
    return model, optimizer, step


def mha():
    """PyTorch's own transformer layers."""
    torch.manual_seed(0)
    model = nn.Transformer(16, 2, 1, 1, 32, dropout=0.1, batch_first=True)
    optimizer = torch.optim.NAdam(model.parameters())
    a, b = torch.randn(3, 5, 16), torch.randn(3, 4, 16)

    def step():
        optimizer.zero_grad()
        mask = nn.Transformer.generate_square_subsequent_mask(4)
        loss = F.mse_loss(model(a, b, tgt_mask=mask), b)
        loss.backward()
        optimizer.step()
        return loss
    return model, optimizer, step


ZOO = {
    "mlp": mlp,
    "resnet": cnn,
    "lstm": lstm,
    "gpt": gpt,
    "gpt, attention by hand": lambda: gpt(sdpa=False),
    "gpt, fused optimizer": lambda: gpt(dropout=0.0, fused=True),
    "gpt, bfloat16": lambda: gpt(amp=True),
    "gpt, checkpointed": lambda: gpt(ckpt=True),
    "gpt, two micro-batches": lambda: gpt(accumulate=2),
    "vae": vae,
    "gnn": gnn,
    "transformer": mha,
}
