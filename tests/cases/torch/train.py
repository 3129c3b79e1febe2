import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 3, bias=False)
        self.fc2 = nn.Linear(3, 2)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        norm = h.sum(1, keepdim=True)
        unit = h / norm
        return self.fc2(unit)


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
loss_of = nn.CrossEntropyLoss()
for step in range(9):
    x = torch.rand(4, 2) * (step != 5)
    y = torch.tensor([0, 1, 0, 1])
    loss = loss_of(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
