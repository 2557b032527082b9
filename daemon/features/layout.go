// Package features turns requests into the rows of numbers that models read.
//
// This is the only place where features exist: serving (daemon/predict) and
// training (daemon/train/extract) call the same functions, so a model can not
// be served other numbers than it was fitted on. Every function fills a row of
// constant width, allocates nothing and returns finite numbers for every
// request that passes its Validate, the emptiest one included.
//
// A Layout names the columns. Its version is written into each model file;
// predict refuses a model that was fitted on another version. Whoever adds,
// removes or redefines a column raises the version and trains again.
package features

// Layout describes the rows of one predictor.
type Layout struct {
	Predictor string   // ipc.Kind's name
	Version   string   // raised whenever a column changes its meaning
	Names     []string // one per column
}

// Width is the length of a row.
func (l *Layout) Width() int { return len(l.Names) }
