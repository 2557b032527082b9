package engine

// operators is the subset: what is not in this table is refused at load. The
// package documentation describes it; a test keeps the two in step.
var operators map[opName]func(*args) error

func init() {
	// Assigned here because the table and the functions in it refer to each
	// other through the compiler.
	operators = map[opName]func(*args) error{
		{"", "MatMul"}: compileMatMul,
		{"", "Gemm"}:   compileGemm,

		{"", "Add"}: compileAdd,
		{"", "Sub"}: compileBinary(subtraction),
		{"", "Mul"}: compileBinary(multiplication),
		{"", "Div"}: compileBinary(division),
		{"", "Sum"}: compileVariadic(addition),
		{"", "Min"}: compileVariadic(minimum),
		{"", "Max"}: compileVariadic(maximum),

		{"", "Relu"}:       compileRelu,
		{"", "LeakyRelu"}:  compileLeaky,
		{"", "Elu"}:        compileElu,
		{"", "Clip"}:       compileClip,
		{"", "Sigmoid"}:    compileUnary(each(sigmoid32)),
		{"", "Tanh"}:       compileUnary(each(tanh32)),
		{"", "Softplus"}:   compileUnary(each(softplus32)),
		{"", "Exp"}:        compileUnary(each(exp32)),
		{"", "Log"}:        compileUnary(each(log32)),
		{"", "Sqrt"}:       compileUnary(each(sqrt32)),
		{"", "Abs"}:        compileUnary(each(abs32)),
		{"", "Neg"}:        compileUnary(negRow),
		{"", "Softmax"}:    compileRowwise(softmaxRows),
		{"", "LogSoftmax"}: compileRowwise(logSoftmaxRows),

		{"", "Constant"}:  compileConstant,
		{"", "Identity"}:  compileIdentity,
		{"", "Dropout"}:   compileDropout,
		{"", "Cast"}:      compileCast,
		{"", "Flatten"}:   compileFlatten,
		{"", "Reshape"}:   compileReshape,
		{"", "Squeeze"}:   compileSqueeze,
		{"", "Unsqueeze"}: compileUnsqueeze,
		{"", "Transpose"}: compileTranspose,

		{"", "Concat"}:             compileConcat,
		{"", "Gather"}:             compileGather,
		{"", "Slice"}:              compileSlice,
		{"", "ReduceSum"}:          compileReduce(sumRow),
		{"", "ReduceMean"}:         compileReduce(meanRow),
		{"", "ArgMax"}:             compileArgMax,
		{"", "BatchNormalization"}: compileBatchNorm,

		{mlDomain, "TreeEnsembleRegressor"}:  compileTreeRegressor,
		{mlDomain, "TreeEnsembleClassifier"}: compileTreeClassifier,
		{mlDomain, "LinearRegressor"}:        compileLinearRegressor,
		{mlDomain, "LinearClassifier"}:       compileLinearClassifier,
		{mlDomain, "Scaler"}:                 compileScaler,
		{mlDomain, "Normalizer"}:             compileNormalizer,
		{mlDomain, "ArrayFeatureExtractor"}:  compileExtractor,
		{mlDomain, "ZipMap"}:                 compileZipMap,
	}
}

// compileZipMap passes probabilities through: instead of a sequence of maps
// from label to probability the output is the row of probabilities, in the
// order of the labels.
func compileZipMap(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	a.alias(x, 2)
	return nil
}
