package main

import (
	"slices"
	"testing"
)

func TestEntitiesWon(t *testing.T) {
	entity := []int32{7, 7, 3, 3, 7, 5}
	model := []float64{1, 1, 2, 2, 1, 4}
	last := []float64{0, 3, 2, 2, 1, 3} // 7 in all, though not each time; 3 is a tie; 5 is lost
	rule := []float64{1, 1, 3, 2, 0, 5} // 7 is lost; 3 and 5 are won
	w := wins(entity, model, last, rule)
	if !slices.Equal(w.lastValue, []float64{1, 0, 0}) || !slices.Equal(w.rule, []float64{0, 1, 1}) {
		t.Errorf("won %+v", w)
	}
	w.add(won{lastValue: []float64{1, 1, 1, 1, 0}, rule: []float64{1, 1, 1, 0, 0}})
	rows := w.rows("all", "test")
	if len(rows) != 2 || rows[0].Metric != "entities_better_than_persistence" || float64(rows[0].Model) != 5.0/8 ||
		rows[1].Metric != "entities_better_than_rule" || float64(rows[1].Model) != 5.0/8 {
		t.Errorf("rows %+v", rows)
	}
	if rows[0].Met == nil || *rows[0].Met || rows[1].Met != nil {
		t.Errorf("85 %% better than the last value is asked for, of all sets together, and nothing of the rule: %v, %v", rows[0].Met, rows[1].Met)
	}
	if r := rows[0]; r.By != "entities" || r.Groups != 8 || r.N != 8 || !(r.CILow < 0.5 && r.CIHigh > 0.75 && r.CIHigh < 1.01) {
		t.Errorf("five of eight within %v and %v, by %d %s", r.CILow, r.CIHigh, r.Groups, r.By)
	}
}
