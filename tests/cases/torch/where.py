import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 3))
opt = torch.optim.SGD(net.parameters(), 0.1)
x = torch.randn(5, 4)
p = torch.relu(net(x))
loss = torch.where(p > 0, torch.log(p), torch.zeros_like(p)).sum()
loss.backward()
opt.step()
