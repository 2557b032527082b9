package engine

// compileLinearRegressor: X·Cᵀ + intercepts, one row of C per target.
func compileLinearRegressor(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	targets, err := a.n.intAttr("targets", 1)
	if err != nil {
		return err
	}
	post, err := a.n.stringAttr("post_transform", "NONE")
	if err != nil {
		return err
	}
	if post != "NONE" {
		return unsupported("post_transform %s", quote(post))
	}
	intercepts, err := a.n.floatsAttr("intercepts")
	if err != nil {
		return err
	}
	y, err := emitLinear(a, targets, intercepts)
	if err == nil {
		a.define(0, *y)
	}
	return err
}

// emitLinear adds the step for X·Cᵀ + intercepts.
func emitLinear(a *args, targets int64, intercepts []float32) (*value, error) {
	x, err := a.matrix(0)
	if err != nil {
		return nil, err
	}
	coefficients, err := a.n.floatsAttr("coefficients")
	if err != nil {
		return nil, err
	}
	k := x.width()
	if targets < 1 || targets > int64(len(coefficients)) || int(targets)*k != len(coefficients) {
		return nil, malformed("%d coefficients for %d targets of %d features", len(coefficients), targets, k)
	}
	if len(intercepts) != 0 && len(intercepts) != int(targets) {
		return nil, malformed("%d intercepts for %d targets", len(intercepts), targets)
	}
	t := &tensor{name: "coefficients", dims: []int{int(targets), k}, typ: typeFloat, floats: coefficients}
	w, err := transpose(t, a.c.q)
	if err != nil {
		return nil, err
	}
	g, err := emitGemm(a, x, w.floats, int(targets), 1)
	if err != nil {
		return nil, err
	}
	if len(intercepts) > 0 {
		err = g.addBias(1, intercepts)
	}
	return &value{buf: g.y, rank: 2}, err
}

// compileLinearClassifier scores classes linearly. A single row of
// coefficients for two classes scores the second of them.
func compileLinearClassifier(a *args) error {
	if err := a.arity(1, 1); err != nil {
		return err
	}
	intercepts, err := a.n.floatsAttr("intercepts")
	if err != nil {
		return err
	}
	cl, err := newClasses(a, "classlabels_ints")
	if err != nil {
		return err
	}
	if len(cl.labels) < 2 {
		return unsupported("%d class", len(cl.labels))
	}
	if len(intercepts) != len(cl.labels) && !(len(intercepts) == 1 && len(cl.labels) == 2) {
		return malformed("%d intercepts for %d classes", len(intercepts), len(cl.labels))
	}
	scores, err := emitLinear(a, int64(len(intercepts)), intercepts)
	if err != nil {
		return err
	}
	if len(intercepts) == 1 {
		// ONNX Runtime gives the first class the complement of the second,
		// taken after the transform.
		cl.pair = pairComplement
	}
	return cl.emit(a, scores)
}
