"""Recurrent nets over the calls of a window, in PyTorch, compared with what reads its
counts: a GRU (Cho et al., EMNLP 2014) and an LSTM (Hochreiter and Schmidhuber, 1997)
over embedded groups of calls, the last state read by one layer. For compare.py only;
it needs requirements-compare.txt."""
import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper

import trees

GROUPS = 63  # of calls; this number itself stands before short windows
EMBEDDED, BATCH, RATE = 16, 128, 3e-3


def fit(cell, hidden, calls, y, epochs):
    """A net that gives the log odds of an attack from windows of calls."""
    torch.manual_seed(trees.SEED)
    torch.set_num_threads(1)
    net = torch.nn.ModuleDict({
        "see": torch.nn.Embedding(GROUPS + 1, EMBEDDED), "walk": getattr(torch.nn, cell)(EMBEDDED, hidden, batch_first=True),
        "say": torch.nn.Linear(hidden, 1)})
    x, y = torch.tensor(calls, dtype=torch.long), torch.tensor(y, dtype=torch.float32)
    adam = torch.optim.Adam(net.parameters(), RATE)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * (len(y) // BATCH))
    loss = torch.nn.BCEWithLogitsLoss()
    for _ in range(epochs):
        order = torch.randperm(len(y))
        for start in range(0, len(y) - BATCH + 1, BATCH):
            rows = order[start:start + BATCH]
            adam.zero_grad()
            loss(_forward(net, x[rows]), y[rows]).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
            slower.step()
    return net


def _forward(net, x):
    states, _ = net["walk"](net["see"](x))
    return net["say"](states[:, -1])[:, 0]


def predict(net, calls):
    with torch.no_grad():
        x = torch.tensor(calls, dtype=torch.long)
        return np.concatenate([_forward(net, part).numpy() for part in x.split(1024)]).astype(float)


def size(net):
    return sum(p.numel() for p in net.parameters())


def onnx(net):
    """The same net for ONNX Runtime, which orders the gates in another way."""
    walk = net["walk"]
    cell = type(walk).__name__
    order = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}[cell]  # of torch's gates, as ONNX wants them
    gates = lambda p: np.concatenate([p.detach().numpy().reshape(len(order), -1, *p.shape[1:])[i] for i in order])
    values = {"see": net["see"].weight.detach().numpy(), "w": gates(walk.weight_ih_l0)[None], "r": gates(walk.weight_hh_l0)[None],
              "b": np.concatenate([gates(walk.bias_ih_l0), gates(walk.bias_hh_l0)])[None],
              "say": net["say"].weight.detach().numpy(), "bias": net["say"].bias.detach().numpy(), "first": np.array([0])}
    consts = [numpy_helper.from_array(v, k) for k, v in values.items()]
    more = {"linear_before_reset": 1} if cell == "GRU" else {}
    nodes = [helper.make_node("Cast", ["x"], ["groups"], to=TensorProto.INT64),
             helper.make_node("Gather", ["see", "groups"], ["seen"]),
             helper.make_node("Transpose", ["seen"], ["steps"], perm=[1, 0, 2]),
             helper.make_node(cell, ["steps", "w", "r", "b"], ["", "last"], hidden_size=walk.hidden_size, **more),
             helper.make_node("Squeeze", ["last", "first"], ["state"]),
             helper.make_node("Gemm", ["state", "say", "bias"], ["y"], transB=1)]
    graph = helper.make_graph(nodes, "recurrent", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 100])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])], consts)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
