// Package score compares two ways of deciding on the same outcomes: one that asks
// the model first and one that follows the rule alone. Means and ratios, areas
// under ROC curves, and for each the difference with a 95 % interval.
//
// Intervals are bootstrapped (Efron, Annals of Statistics 1979) by blocks of
// consecutive outcomes of one agent (Künsch, Annals of Statistics 1989): outcomes
// that follow each other are alike, and resampling them singly would make the
// interval too narrow. Random numbers are seeded, so the same outcomes give the
// same interval.
package score
