// Package predict answers requests with a model: it turns requests into rows
// (daemon/features), runs them through the engine, and turns the model's numbers
// into predictions.
//
// A Predictor serves one kind. It is batch-first, safe for concurrent use and
// allocates nothing per call. Its answers always pass ipc.Prediction.Validate:
// numbers outside their range are cut to it, and a number that is none (a broken
// model file) becomes an answer of confidence 0, which every caller above
// replaces by a rule. u64 values stay integers: a memory prediction is the
// current value plus a signed change, so a change of zero repeats 2^53+1 exactly.
package predict
