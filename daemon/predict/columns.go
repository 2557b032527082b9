package predict

import "strings"

// column is where a number of the model is: at a place in the rows of an output. Without
// a width it is a constant, the same for all rows.
type column struct {
	output, at, width int
	constant          float32
}

// of gives the column's number for a row of w's run.
func (c column) of(w *worker, row int) float32 {
	if c.width == 0 {
		return c.constant
	}
	return w.read(c.output, row*c.width+c.at)
}

// columns names the numbers that the model gives for a row. The metadata "outputs"
// lists them, over all outputs in the file's order and separated by commas; without
// it, an output of one number is called what the file calls it. Numbers called "-" are
// passed over.
func (m *metadata) columns() map[string]column {
	names, listed := strings.Split(m.values["outputs"], ","), m.values["outputs"] != ""
	found, next := map[string]column{}, 0
	for i, o := range m.outputs {
		for at := range o.Width {
			name := o.Name
			switch {
			case listed && next < len(names):
				name = strings.TrimSpace(names[next])
			case listed || o.Width > 1:
				m.failf("the outputs have %d numbers a row and %q names %d of them: name each", m.numbersOut(), "outputs", min(next, len(names)))
				return nil
			}
			next++
			if name == "-" {
				continue
			}
			if _, twice := found[name]; twice {
				m.failf("two outputs are called %q", name)
			}
			found[name] = column{output: i, at: at, width: o.Width}
		}
	}
	if listed && next != len(names) {
		m.failf("the outputs have %d numbers a row, %q names %d", next, "outputs", len(names))
	}
	return found
}

// numbersOut is how many numbers the model gives for a row.
func (m *metadata) numbersOut() int {
	n := 0
	for _, o := range m.outputs {
		n += o.Width
	}
	return n
}

// named is columns without complaint, for those who only want to say a name.
func (m *metadata) named() map[string]column {
	look := metadata{values: m.values, outputs: m.outputs}
	return look.columns()
}
