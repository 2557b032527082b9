package advice

import "fmt"

// RuleAlone words what the rule by itself would have done, for a report's note.
func RuleAlone(value float64, unit string) string {
	text := fmt.Sprintf("%.4g", value)
	if unit != "" {
		text += " " + unit
	}
	return "rule alone: " + text
}
