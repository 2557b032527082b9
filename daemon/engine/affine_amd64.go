package engine

// standardise computes the first 8·panels columns of rows rows, whose starts are stride
// numbers apart, as affine defines it. It reads panels affinePanels from p, or one alone if
// they are not to be stepped through. y may be x.
// Nothing is checked: vector is its only caller.
//
//go:noescape
func standardise(y, x *float32, p *affinePanel, rows, panels, stride int, divide, step bool)

// vector takes eight columns at a time, and those that are left over one by one.
func (k *affine) vector(x, y []float32) {
	w := k.x.width
	rows, whole := min(len(x), len(y))/w, w/panelWidth
	if rows > 0 && whole > 0 {
		standardise(&y[0], &x[0], &k.panels[0], rows, whole, w, k.divide, len(k.panels) > 1)
	}
	k.columns(x, y, whole)
}
