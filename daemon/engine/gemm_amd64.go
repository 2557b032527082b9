package engine

import "golang.org/x/sys/cpu"

// hasVector says whether the processor and the system know the eight numbers wide
// registers that gemm_amd64.s uses.
var hasVector = cpu.X86.HasAVX

// tile computes panels × 8 outputs of rows rows, rows being 1 or 4:
//
//	y[r][8p+j] = bias[p][j] + Σ x[r][i]·panel[p·features+i][j]
//
// rounding each product and each sum, in the order of the features, and then,
// with relu, takes the larger of that and 0. Rows of x are features apart, those
// of y stride. It reads rows × features numbers from x, panels × features lanes
// from panel and panels lanes from bias, and writes 8·panels numbers to each row
// of y. Nothing is checked: vector is its only caller.
//
//go:noescape
func tile(y, x *float32, panel, bias *lanes, rows, features, panels, stride int, relu bool)

// vector is the product in vector code: four rows at a time, then one by one. A
// panel that is wider than what is left of the rows is computed into spare room
// and cut to its width.
func (g *gemm) vector(x, y []float32) {
	k, width := g.x.width, g.y.width
	whole := width / panelWidth
	_, _ = g.panels[len(g.bias)*k-1], g.bias[whole+(width%panelWidth+panelWidth-1)/panelWidth-1] // what tile reads
	for len(x) >= k && len(y) >= width {
		rows := 1
		if len(x) >= tileRows*k && len(y) >= tileRows*width {
			rows = tileRows
		}
		if whole > 0 {
			tile(&y[0], &x[0], &g.panels[0], &g.bias[0], rows, k, whole, width, g.relu)
		}
		if ragged := width % panelWidth; ragged > 0 {
			var spare [tileRows]lanes
			tile(&spare[0][0], &x[0], &g.panels[whole*k], &g.bias[whole], rows, k, 1, panelWidth, g.relu)
			for r := range rows {
				copy(y[r*width+whole*panelWidth:][:ragged], spare[r][:])
			}
		}
		x, y = x[rows*k:], y[rows*width:]
	}
}
