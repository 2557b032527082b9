package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
)

// table is one data set of one part: a feature matrix, and beside it what is
// known about each row (targets, baselines, entity).
//
//	<name>.x.npy     float32, the layout's columns
//	<name>.about.npy float64, the columns named in <name>.json
//	<name>.window.npy  float32, a window's steps one after the other, where asked for: of
//	                 each row, or, where there is a column "ask", of each question
//	<name>.asks      of a few rows of test: the row's number and its request as
//	                 sent over the wire, in hex, for the tests of daemon/predict
type table struct {
	path     string
	layout   *features.Layout
	columns  []string
	entities []string // names behind the numbers of the column "entity"
	x, about *matrix
	steps    *matrix // nil where no windows are asked for
	asks     bytes.Buffer
	asked    int

	write func(t *table, q *recordings.Question) error
	row   []float32 // room for a question's rows
	pages features.Pages
}

func createTable(dir, name string, layout *features.Layout, write func(*table, *recordings.Question) error, columns ...string) (*table, error) {
	t := &table{
		path: filepath.Join(dir, name), layout: layout, columns: columns, write: write,
		row: make([]float32, features.MaxPages*layout.Width()),
	}
	var err error
	if t.x, err = createMatrix(t.path+".x.npy", layout.Width(), "<f4"); err != nil {
		return nil, err
	}
	t.about, err = createMatrix(t.path+".about.npy", len(columns), "<f8")
	return t, err
}

func (t *table) add(x []float32, about ...float64) error {
	if len(about) != len(t.columns) {
		return fmt.Errorf("%s: %d values for %d columns", t.path, len(about), len(t.columns))
	}
	if err := t.x.addF32(x[:t.layout.Width()]); err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	return t.about.addF64(about)
}

// witness records, now and then, that the next row is (the first of) q's.
func (t *table) witness(q ipc.Request) {
	if t.asked++; strings.HasSuffix(t.path, "_test") && t.asked%witnessStride == 1 {
		fmt.Fprintf(&t.asks, "%d %x\n", t.x.rows, ipc.AppendRequest(nil, q))
	}
}

// witnessStride is prime, so that it follows no period of the data.
const witnessStride = 499

// end closes the table unless reading failed.
func (t *table) end(err error) error {
	if err != nil {
		return err
	}
	return t.close()
}

func (t *table) close() error {
	fmt.Fprintf(os.Stderr, "extract: %-28s %8d rows, %d entities\n", filepath.Base(t.path), t.x.rows, len(t.entities))
	head, err := json.Marshal(map[string]any{
		"layout": t.layout.Version, "features": t.layout.Names, "about": t.columns, "entities": t.entities,
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(t.path+".json", head, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(t.path+".asks", t.asks.Bytes(), 0o644); err != nil {
		return err
	}
	if t.steps != nil {
		if err := t.steps.close(); err != nil {
			return err
		}
	}
	if err := t.x.close(); err != nil {
		return err
	}
	return t.about.close()
}
