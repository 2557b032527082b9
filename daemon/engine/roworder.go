package engine

import "slices"

// Rows of several kinds come mixed: a batch of workload requests is one row each for
// cpu, memory and gpu, again and again. Scored as they come, all lanes together need every
// run of trees. Put in order first, rows that pass the same gates share their lanes.

// orderedRows is how many rows are put in order at a time; an index fits a byte.
const orderedRows = 256

// maxOrders is how many tests rows are ordered by: each takes about a nanosecond a row.
const maxOrders = 6

// rowTest is what rows are ordered by: whether a column is above a threshold.
type rowTest struct {
	column    int
	threshold float32
}

// orders gives the tests of the gates, each once.
func orders(runs []treeRun) []rowTest {
	var tests []rowTest
	for _, run := range runs {
		for _, g := range run.gates {
			t := rowTest{int(g.test.feature()), g.test.threshold}
			if !slices.Contains(tests, t) && len(tests) < maxOrders {
				tests = append(tests, t)
			}
		}
	}
	return tests
}

// arrange writes the numbers of rows of width w so that those of one kind, by all
// tests, follow each other: a counting sort.
func arrange(order []uint8, tests []rowTest, x []float32, w int) {
	if len(order) <= bitRows || len(tests) == 0 { // they share their lanes anyhow
		for i := range order {
			order[i] = uint8(i)
		}
		return
	}
	var kinds [orderedRows]uint8
	var next [1<<maxOrders + 1]uint16 // place of the next row of a kind
	for i := range order {
		row, kind := x[i*w:i*w+w], uint32(0)
		for _, t := range tests {
			kind = kind<<1 | bit(row[t.column] > t.threshold)
		}
		kinds[i] = uint8(kind)
		next[kind+1]++
	}
	for kind := range 1 << len(tests) {
		next[kind+1] += next[kind]
	}
	for i, kind := range kinds[:len(order)] {
		order[next[kind]] = uint8(i)
		next[kind]++
	}
}
