"""What a learner writes into the notebooks of this section, cell by cell, and what comes of it.

first: cells to run before; wrong, right: for the cell ``scaffold``, judged by the cell ``check``;
hint: named at the second wrong try; fill: what goes into other cells; evidence: cells to run after
it, those of the solution that it needs among them; goes_on: printed by the cell ``yours``; shown:
what is printed or drawn by which cell.
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

INCEPTION = """
class MyInception(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        conv = nn.LazyConv2d
        self.a = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(c4, 1))
        self.b, self.c, self.d = conv(c1, 1), conv(c2[0], 1), conv(c2[1], 3, padding=1)
        self.e, self.f = conv(c3[0], 1), conv(c3[1], 5, padding=PADDING)

    def forward(self, X):
        two, three = self.d(self.c(X).relu()), self.f(self.e(X).relu())
        return torch.cat([self.a(X), self.b(X), two, three], 1).relu()
"""

RESIDUAL = """
class MyResidualInception(nn.Module):
    def __init__(self, width, c1, c2, c3, c4, scale):
        super().__init__()
        unit, pool = d2l.conv_bn_relu, nn.MaxPool2d(3, stride=1, padding=1)
        self.one = nn.Sequential(*unit(c1, 1))
        self.two = nn.Sequential(*unit(c2[0], 1), *unit(c2[1], 3, padding=1))
        self.three = nn.Sequential(*unit(c3[0], 1), *unit(c3[1], 5, padding=2))
        self.four = nn.Sequential(pool, *unit(c4, 1))
        self.last, self.scale = nn.LazyConv2d(width, 1), scale

    def forward(self, X):
        R = self.last(torch.cat([self.four(X), self.one(X), self.two(X), self.three(X)], 1))
        return torch.relu(SUM)
"""

FACTORISED = """
class MyFactorised(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        unit, pool = conv_bn_relu, nn.MaxPool2d(3, stride=1, padding=1)
        self.one = nn.Sequential(*unit(c1, 1))
        self.two = nn.Sequential(*unit(c2[0], 1), *unit(c2[1], 3, padding=1))
        thrice = *unit(c3[0], 1), *unit(c3[1], 3, padding=1), *unit(c3[1], LAST)
        self.three, self.four = nn.Sequential(*thrice), nn.Sequential(pool, *unit(c4, 1))

    def forward(self, X):
        return torch.cat([self.one(X), self.two(X), self.three(X), self.four(X)], dim=1)
"""

SMOOTHED = """
def my_smoothed_loss(Y_hat, Y, epsilon, averaged=True):
    log_p = Y_hat - Y_hat.logsumexp(1, keepdim=True)
    q = (1 - epsilon) * F.one_hot(Y, Y_hat.shape[1]) + epsilon / CLASSES
    losses = -(q * log_p).sum(1)
    return losses.mean() if averaged else losses
"""

SMALLEST = """
def my_smallest(layers):
    n = 1
    while True:
        size = n
        for kernel, stride, padding in layers:
            size = (size + 2 * padding - kernel) // stride + 1
            if size < 1:
                break
        else:
            return n
        n += STEP


my_size = 1
"""

STEM = """
my_stem = (((32, 3, STRIDE, 1), (192, 3, 1, 1)),)
my_size = my_part = None
"""

COUNT = """
def my_count(layers):
    weights = (a * b * (k[0] ** 2 if k else 1) for _, a, b, *k in layers)
    return sum(weights)BIASES
"""

CYCLES = """
def my_cycles(M, K, N, rows, columns):
    folds = math.ceil(K / rows) * math.ceil(N / columns)
    return folds * (2 * rows + columns + M - 2)LAST
"""

STORIES = {
    "0_googlenet": {
        "first": ["setup", "drawing", "block-drawing"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": INCEPTION.replace("PADDING", "1"),
        "hint": "Hint",
        "right": INCEPTION.replace("PADDING", "2"),
        "fill": {"prediction-factor": "my_factor = 5"},
        "evidence": [
            *("prediction-factor", "reductions-cost", "solution-code", "yours", "beside"),
            *("quick-data", "quick-training"),
        ],
        "yours": "yours",
        "goes_on": "8.4/0 is passed: below, your MyInception is used.",
        "shown": {
            "reductions-cost": "your prediction: a factor of 5.0",
            "beside": "yours",
            "quick-training": "train_loss",
        },
    },
    "1_2_inception_v3": {
        "first": ["setup", "unit"],
        "scaffold": "scaffold-a",
        "check": "check-a",
        "wrong": FACTORISED.replace("LAST", "5, padding=2"),
        "hint": "Hint a",
        "right": FACTORISED.replace("LAST", "3, padding=1"),
        "fill": {"predict-cost": "my_change = -20"},
        "evidence": [
            *("scaffold-b", "scaffold-c", "scaffold-d", "whole-rows", "scaffold-e"),
            *("predict-cost", "small-network", "scaffold-f"),
            *("solution-branches", "solution-a", "solution-b", "solution-c", "solution-f"),
            *("yours", "drawings", "protocol", "protocol-build", "protocol-cost"),
            *("predict-best", "quick"),
        ],
        "yours": "yours",
        "goes_on": "8.4/1.2a is passed: below, your MyFactorised is used.",
        "shown": {"protocol-cost": "your prediction: -20.0 %", "quick": "3x3, yours"},
    },
    "1_3_label_smoothing": {
        "first": ["setup"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": SMOOTHED.replace("CLASSES", "len(Y)"),
        "hint": "Hint",
        "right": SMOOTHED.replace("CLASSES", "Y_hat.shape[1]"),
        "fill": {},
        "evidence": [
            *("scaffold-lowest", "scaffold-gap", "solution-code", "solution-lowest", "whose"),
            *("smoothed-net", "quick"),
        ],
        "yours": "whose",
        "goes_on": "8.4/1.3 is passed: below, your my_smoothed_loss is used.",
        "shown": {"quick": "your loss"},
    },
    "2_minimum_image_size": {
        "first": ["setup"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": SMALLEST.replace("STEP", "2"),
        "hint": "Hint",
        "right": SMALLEST.replace("STEP", "1"),
        "fill": {
            "predict": """
my_order = [
    *("GoogLeNet", "GoogLeNet of torchvision", "SqueezeNet", "VGG-11"),
    *("AlexNet", "NiN", "Inception-v3"),
]
my_gain = -3
"""
        },
        "evidence": [
            *("scaffold-share", "solution-code", "predict", "derive", "stages"),
            *("derive-layer", "derive-network", "networks", "brute-plot"),
        ],
        "yours": "derive",
        "goes_on": "8.4/2a is passed: below, your my_smallest is used.",
        "shown": {"brute-plot": "rank as you predicted"},
    },
    "3_native_28x28": {
        "first": ["setup"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": STEM.replace("STRIDE", "4"),
        "hint": "Hint",
        "right": STEM.replace("STRIDE", "1"),
        "fill": {},
        "evidence": [
            *("solution-code", "predict", "yours-stem", "unit", "quick", "maps"),
            *("parts", "parts-table"),
        ],
        "yours": "yours-stem",
        "goes_on": "8.4/3a is passed: below, your answer is used.",
        "shown": {"parts-table": "yours, 28×28", "quick": "your stem", "maps": "your stem"},
    },
    "4_parameter_count": {
        "first": ["setup", "vgg11"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": COUNT.replace("BIASES", ""),
        "hint": "Hint",
        "right": COUNT.replace("BIASES", " + sum(layer[2] for layer in layers)"),
        "fill": {"predictions": 'my_large_head = 60\nmy_larger_maps = "AlexNet"'},
        "evidence": [
            *("solution-code", "predictions", "yours-count", "four-ways"),
            *("breakdown", "head", "head-factors", "head-plot"),
        ],
        "yours": "yours-count",
        "goes_on": "8.4/4a is passed: below, your my_count is used.",
        "shown": {"head-factors": "your prediction: 60.0 M", "head-plot": "Figure"},
    },
    "5_compute_and_accelerators": {
        "first": ["setup", "table"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": CYCLES.replace("LAST", ""),
        "hint": "Hint",
        "right": CYCLES.replace("LAST", " - 1"),
        "fill": {
            "scaffold-chip": "my_chip = d2l.Chip(72, 64, buffer=2**17, bandwidth=28e9)",
            "predictions": 'my_busy = 90\nmy_traffic = "AlexNet"',
        },
        "evidence": [
            *("scaffold-chip", "check-chip", "solution-code", "solution-chip"),
            *("solution-chip-search", "predictions", "where", "yours-cycles", "utilisation"),
            *("array", "yours-chip", "map"),
        ],
        "yours": "yours-cycles",
        "goes_on": "8.4/5a is passed: below, your my_cycles is used.",
        "shown": {
            "array": "your prediction: 90 %",
            "yours-chip": "yours           72 × 64",
            "map": "Figure",
        },
    },
    "1_1_batch_norm": {
        "first": ["setup"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": BN_BLOCK.replace("PADDING", "1"),
        "hint": "Hint a2",
        "right": BN_BLOCK.replace("PADDING", "2"),
        "fill": {
            "depth-prediction": "my_last_deviation = 0.5",
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
            *("yours", "drawing", "depth", "depth-prediction", "rates"),
        ],
        "yours": "yours",
        "goes_on": "8.4/1.1 is passed: below, your MyBNInception is used.",
        "shown": {"drawing": "5×5 conv, 32 + BN + ReLU", "rates": "with BN, yours"},
    },
    "1_4_inception_resnet": {
        "first": ["setup"],
        "scaffold": "scaffold",
        "check": "check",
        "wrong": RESIDUAL.replace("SUM", "self.scale * (X + R)"),
        "hint": "Hint a2",
        "right": RESIDUAL.replace("SUM", "self.scale * R + X"),
        "fill": {"depth-prediction": 'my_growth, my_steepest = 2, "scale 1"'},
        "evidence": [
            *("tables", "scaffold-network", "solution-code", "solution-block"),
            *("solution-network", "solution-whole", "yours", "drawing", "depth-prediction"),
            *("deep", "depth", "depth-plot", "train"),
        ],
        "yours": "yours",
        "goes_on": "8.4/1.4 is passed: below, your MyResidualInception is used.",
        "shown": {
            "drawing": "part a, yours",
            "depth-plot": "Figure",
            "train": "scale 0.3, yours",
        },
    },
}
