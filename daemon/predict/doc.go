// Package predict answers requests with a model: it turns requests into rows
// (daemon/features), runs them through the engine, and turns the model's numbers
// into predictions.
//
// A Predictor serves one kind. It is batch-first, safe for concurrent use and
// allocates nothing per call. Its answers always pass ipc.Prediction.Validate:
// numbers outside their range are cut to it. Where the model says what is no number,
// NaN or an infinity, there is no answer: what is 0 or confidence 0 by then nobody could
// tell from what a model said. u64 values stay integers: a memory prediction is the
// current value plus a signed change, so a change of zero repeats 2^53+1 exactly.
package predict
