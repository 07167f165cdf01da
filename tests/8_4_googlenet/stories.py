"""What a learner writes into the notebooks of this section, cell by cell, and what comes of it.

first: cells to run before; wrong, right: for the cell ``scaffold``, judged by the cell ``check``;
hint: named at the second wrong try; predictions: for other cells; evidence: cells to run after it,
those of the solution that it needs among them; goes_on: printed by the cell ``yours``; shown: what
is printed or drawn by which cell.
"""

BN_BLOCK = """
def unit(channels, kernel_size, padding=0):
    conv = nn.LazyConv2d(channels, kernel_size, padding=padding, bias=False)
    return nn.Sequential(conv, nn.LazyBatchNorm2d(), nn.ReLU())


class MyBNInception(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        self.one = unit(c1, 1)
        self.three = nn.Sequential(unit(c2[0], 1), unit(c2[1], 3, 1))
        self.five = nn.Sequential(unit(c3[0], 1), unit(c3[1], 5, PADDING))
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), unit(c4, 1))

    def forward(self, X):
        return torch.cat([self.one(X), self.three(X), self.five(X), self.pool(X)], dim=1)
"""

STORIES = {
    "1_1_batch_norm": {
        "first": ["setup"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": BN_BLOCK.replace("PADDING", "1"),
        "hint": "Hint a2",
        "right": BN_BLOCK.replace("PADDING", "2"),
        "predictions": {
            "scaffold-network": """
def my_unit(channels, kernel_size, stride=1, padding=0):
    conv = nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding, bias=False)
    return [conv, nn.LazyBatchNorm2d(), nn.ReLU()]


def my_bn_googlenet(lr=0.1, width=1.0):
    return d2l.GoogleNet(lr=lr, width=width, block=MyBNInception, unit=my_unit)
""",
        },
        "evidence": [
            *("scaffold-network", "solution-code", "solution-network"),
            *("yours", "drawing", "depth", "rates"),
        ],
        "yours": "yours",
        "goes_on": "8.4/1.1 is passed: below, your MyBNInception is used.",
        "shown": {"drawing": "5×5 conv, 32 + BN + ReLU", "rates": "with BN, yours"},
    },
}
