"""Models as the converters write them: skl2onnx for scikit-learn, onnxmltools
for LightGBM (whose trees carry missing-value directions and categories)."""

import warnings

import lightgbm
import numpy as np
import onnxmltools
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler

warnings.filterwarnings("ignore")


def data():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 5)).astype(np.float32)
    real = (x @ np.arange(5) + np.sin(3 * x[:, 0])).astype(np.float32)
    two = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)
    return x, real, two, two + (x[:, 3] > 0.5)


def sklearn_models():
    x, real, two, three = data()
    small = {"max_iter": 30, "random_state": 0}
    for name, estimator, y in [
        ("logistic2", LogisticRegression(), two), ("logistic3", LogisticRegression(), three),
        ("linear", LinearRegression(), real), ("ridge2", Ridge(), np.c_[real, -2 * real]),
        ("mlp2", MLPClassifier((8, 4), **small), two), ("mlp3", MLPClassifier((6,), activation="logistic", **small), three),
        ("mlp", MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", **small), real),
        ("forest", RandomForestRegressor(5, max_depth=4, random_state=0), real),
        ("forest2", RandomForestClassifier(5, max_depth=4, random_state=0), two),
        ("forest3", RandomForestClassifier(5, max_depth=4, random_state=0), three),
        ("boost", GradientBoostingRegressor(n_estimators=8, random_state=0), real),
        ("boost2", GradientBoostingClassifier(n_estimators=8, random_state=0), two),
        ("boost3", GradientBoostingClassifier(n_estimators=4, random_state=0), three),
        ("pipeline", make_pipeline(StandardScaler(), Normalizer(), MinMaxScaler(), LogisticRegression()), two),
        ("scaled_mlp", make_pipeline(StandardScaler(), MLPClassifier((8,), **small)), two),
        ("clipped_mlp", make_pipeline(MinMaxScaler(clip=True), MLPRegressor(hidden_layer_sizes=(8,), **small)), real),
    ]:
        estimator.fit(x, y)
        plain = hasattr(estimator, "predict_proba") and name != "pipeline"
        yield "sklearn_" + name, to_onnx(estimator, x[:1], options={"zipmap": False} if plain else None), x[:12]


def lightgbm_models():
    x, real, two, three = data()
    x = x.copy()
    x[:, 4] = np.digitize(x[:, 4], [-1, 0, 1])  # a category
    x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    for name, objective, y, more in [
        ("regression", "regression", real, {}), ("poisson", "poisson", np.abs(real), {}),
        ("binary", "binary", two, {}), ("multiclass", "multiclass", three, {"num_class": 3}),
        ("ova", "multiclassova", three, {"num_class": 3}),
        ("category", "binary", two, {"cat": [4]}),
    ]:
        more = dict(more)
        category = more.pop("cat", "auto")
        params = {"objective": objective, "num_leaves": 12, "verbose": -1, "seed": 1, "num_threads": 1, "deterministic": True,
                  "min_data_per_group": 5, "cat_smooth": 1, **more}
        trained = lightgbm.train(params, lightgbm.Dataset(x, y, categorical_feature=category), 10)
        model = onnxmltools.convert_lightgbm(trained, initial_types=[("x", FloatTensorType([None, 5]))])
        yield "lightgbm_" + name, model, x[:24]


def cases():
    yield from sklearn_models()
    yield from lightgbm_models()
