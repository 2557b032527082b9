package report

// RuleAlone words what the rule by itself would have done, for a note.
func RuleAlone(value float64, unit string) string {
	return "rule alone: " + valueText(&value, unit)
}

// Count writes a count for a note, as counts stand elsewhere in the report: 31,984.
func Count[N int | uint64](n N) string { return grouped(uint64(n)) }
