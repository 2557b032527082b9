// Package engine runs small machine-learning models from ONNX files: dense
// networks, tree ensembles and the arithmetic around them. It is pure Go,
// depends on nothing else in the module, allocates nothing per call and
// treats the file as hostile.
//
// # Shape of a model
//
// One input [batch, features] of float or double; every value on the way is
// [batch, width] or [batch]; any number of outputs. All arithmetic is float32,
// whatever the file declares; inputs declared double are passed as float32.
// [Load] settles every shape, so [Session.Run] cannot fail on them. A model is
// compiled to a list of steps over a few buffers that are shared by values
// whose lifetimes do not overlap; a [Session] is those buffers.
//
// # Subset
//
// Operator sets ai.onnx 7 to 26 and ai.onnx.ml 1 to 5. "Constant" below means
// an initialiser, a Constant node, or one of those reshaped, cast or transposed.
//
//	MatMul, Gemm                  rows times a constant matrix; alpha, beta, transB
//	Add Sub Mul Div Sum Min Max   rows with rows, one column, or a constant scalar or row
//	Relu LeakyRelu Elu Clip       constant bounds, attributes or inputs
//	Sigmoid Tanh Softplus Exp     element by element
//	Log Sqrt Neg Abs
//	Softmax LogSoftmax            axis 1
//	BatchNormalization            inference, constant parameters
//	ReduceSum ReduceMean ArgMax   axis 1, keepdims 0 or 1
//	Concat Gather Slice           axis 1; constant indices and bounds
//	Identity Dropout Flatten      inference; Flatten at axis 1
//	Reshape Squeeze Unsqueeze     between [batch, 1] and [batch], or on constants
//	Cast                          float, double, int32, int64
//	Constant Transpose            Transpose of a constant matrix only
//
//	ai.onnx.ml
//	TreeEnsembleRegressor         all branch modes, missing values, SUM and AVERAGE,
//	                              base values; LOGISTIC and SOFTMAX with several targets
//	TreeEnsembleClassifier        two or more classes; NONE, LOGISTIC, SOFTMAX
//	LinearRegressor               transform NONE
//	LinearClassifier              NONE, LOGISTIC, SOFTMAX
//	Scaler Normalizer             MAX, L1, L2
//	ArrayFeatureExtractor         constant columns, or a constant table by index
//	ZipMap                        passes the probabilities through, in label order
//
// Everything else is refused by name. Integer outputs (labels, ArgMax) are
// delivered as float32 and refused if not exact in it; string labels as their
// index in the label list.
//
// # Refused although ONNX allows it
//
// External data, sparse tensors, subgraphs, functions; a second input; nodes out
// of topological order; NaN and infinite weights, with two exceptions that
// files do contain: infinite bounds of Clip and a tree threshold of +Inf. A
// regressor of one target with a transform, the label of two classes that are
// scored apart, and two classes scored through class id 1 alone: there the
// specification and ONNX Runtime differ or leave it open, and a guess would
// be a wrong prediction.
//
// Where the standard leaves room the results are those of ONNX Runtime, which
// recorded vectors check; see the README beside this file.
package engine
