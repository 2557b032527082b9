"""A recurrent net over an agent's faults, in PyTorch, for compare.py only; it needs
requirements-compare.txt. A GRU (Cho et al., EMNLP 2014) walks the steps between the
faults of a question; a dense net reads its last state beside a candidate's row and
gives the candidate's chance.
"""
import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper

import trees

BATCH, RATE = 128, 3e-3  # questions
INPUTS = 3  # of a step


class Ranker:
    """Scores candidates from the faults of their question. faults has a row for each
    question, x one for each candidate, owner the question of each candidate, in order."""

    def __init__(self, hidden, dense, columns):
        self.hidden, self.dense, self.columns = hidden, dense, columns

    def fit(self, faults, x, owner, y, w, epochs):
        torch.manual_seed(trees.SEED)
        torch.set_num_threads(1)
        steps = faults.reshape(len(faults), -1, INPUTS)
        self.centre = [steps.mean((0, 1)), x[:, self.columns].mean(0)]
        self.spread = [steps.std((0, 1)) + 1e-6, x[:, self.columns].std(0) + 1e-6]
        widths = [*self.dense, 1]
        self.net = torch.nn.ModuleDict({
            "walk": torch.nn.GRU(INPUTS, self.hidden, batch_first=True),
            "carry": torch.nn.Linear(self.hidden, widths[0], bias=False), "see": torch.nn.Linear(len(self.columns), widths[0]),
            **{f"say{i}": torch.nn.Linear(a, b) for i, (a, b) in enumerate(zip(widths, widths[1:]))}})
        faults, x = self._standard(faults, x)
        y, w = torch.tensor(y, dtype=torch.float32), torch.tensor(w, dtype=torch.float32)
        first = np.searchsorted(owner, np.arange(len(faults) + 1))
        size = np.diff(first)
        adam = torch.optim.Adam(self.net.parameters(), RATE)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * (len(faults) // BATCH))
        for _ in range(epochs):
            order = torch.randperm(len(faults)).numpy()
            for start in range(0, len(faults) - BATCH + 1, BATCH):
                asks = order[start:start + BATCH]
                of = np.repeat(np.arange(BATCH), size[asks])
                rows = np.repeat(first[asks] - np.r_[0, np.cumsum(size[asks])[:-1]], size[asks]) + np.arange(len(of))
                adam.zero_grad()
                z = self._forward(faults[asks], x[rows], torch.tensor(of))
                torch.nn.functional.binary_cross_entropy_with_logits(z, y[rows], w[rows]).backward()
                torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
                adam.step()
                slower.step()
        return self

    def _standard(self, faults, x):
        steps = (faults.reshape(len(faults), -1, INPUTS) - self.centre[0]) / self.spread[0]
        rows = np.clip((x[:, self.columns] - self.centre[1]) / self.spread[1], -5, 5)
        return torch.tensor(steps, dtype=torch.float32), torch.tensor(rows, dtype=torch.float32)

    def _forward(self, faults, x, owner):
        net = self.net
        states, _ = net["walk"](faults)
        z = net["see"](x) + net["carry"](states[:, -1])[owner]
        for i in range(len(self.dense)):
            z = net[f"say{i}"](torch.relu(z))
        return z[:, 0]

    def predict(self, faults, x, owner, most=512):
        """most: questions at a time."""
        out = []
        with torch.no_grad():
            for start in range(0, len(faults), most):
                a, b = np.searchsorted(owner, (start, start + most))
                f, rows = self._standard(faults[start:start + most], x[a:b])
                out.append(self._forward(f, rows, torch.tensor(owner[a:b] - start)).numpy())
        return np.concatenate(out).astype(float)

    def size(self):
        return sum(p.numel() for p in self.net.parameters())

    def onnx(self, width):
        """Inputs as of predict: x of all columns, faults, owner."""
        f32 = lambda v: np.asarray(v, np.float32)
        of = lambda p: p.detach().numpy()
        walk, net = self.net["walk"], self.net
        gates = lambda p: np.concatenate([of(p).reshape(3, -1, *p.shape[1:])[i] for i in (1, 0, 2)])
        see, centre, spread = np.zeros((width, self.dense[0])), np.zeros(width), np.ones(width)
        see[self.columns], centre[self.columns], spread[self.columns] = of(net["see"].weight).T, self.centre[1], self.spread[1]
        values = {"shape": np.array([0, -1, INPUTS]), "first": np.array([0]),
                  "centre": f32(self.centre[0]), "spread": f32(self.spread[0]), "rcentre": f32(centre), "rspread": f32(spread),
                  "low": f32(-5), "high": f32(5), "w": gates(walk.weight_ih_l0)[None], "r": gates(walk.weight_hh_l0)[None],
                  "b": np.concatenate([gates(walk.bias_ih_l0), gates(walk.bias_hh_l0)])[None],
                  "carry": of(net["carry"].weight), "see": f32(see), "bias": of(net["see"].bias)}
        n = helper.make_node
        nodes = [n("Reshape", ["faults", "shape"], ["f0"]), n("Sub", ["f0", "centre"], ["f1"]), n("Div", ["f1", "spread"], ["f2"]),
                 n("Transpose", ["f2"], ["steps"], perm=[1, 0, 2]),
                 n("GRU", ["steps", "w", "r", "b"], ["", "last"], hidden_size=self.hidden, linear_before_reset=1),
                 n("Squeeze", ["last", "first"], ["state"]), n("Gemm", ["state", "carry"], ["carried"], transB=1),
                 n("Gather", ["carried", "owner"], ["given"]),
                 n("Sub", ["x", "rcentre"], ["x1"]), n("Div", ["x1", "rspread"], ["x2"]), n("Clip", ["x2", "low", "high"], ["x3"]),
                 n("Gemm", ["x3", "see", "bias"], ["seen"]), n("Add", ["seen", "given"], ["z0"])]
        for i in range(len(self.dense)):
            values |= {f"say{i}": of(net[f"say{i}"].weight), f"add{i}": of(net[f"say{i}"].bias)}
            nodes += [n("Relu", [f"z{i}"], [f"r{i}"]), n("Gemm", [f"r{i}", f"say{i}", f"add{i}"], ["y" if i + 1 == len(self.dense) else f"z{i + 1}"], transB=1)]
        consts = [numpy_helper.from_array(v, k) for k, v in values.items()]
        io = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in (
            ("x", TensorProto.FLOAT, ["n", width]), ("faults", TensorProto.FLOAT, ["q", None]), ("owner", TensorProto.INT64, ["n"]), ("y", TensorProto.FLOAT, ["n", 1]))]
        graph = helper.make_graph(nodes, "ranker", io[:3], io[3:], consts)
        return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
