// Package report is what a run of kernelsim says about itself: a [Report] is
// plain data, and it can be written as text for a terminal, as JSON for programs,
// and as one HTML page that carries its plots and style with it, loads nothing and
// runs no script. [Progress] is the view while the run goes on.
//
// The data has one shape for all of them. JSON is the form that lasts: it names
// its schema ([Schema]), grows only by new fields, and reads back into the same
// [Report], from which text and page can be made again.
//
// Times are in microseconds, shares between 0 and 1. A share of calls answered
// within the budget is always out of all calls that the schedule asked for, so
// dropped, failed and lost ones count against it, in tables and plots alike.
//
// Names and notes may come from anywhere (component names, error texts): the page
// escapes them, the terminal never gets their control characters.
package report
