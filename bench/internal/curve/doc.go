// Package curve holds what is measured as work grows: points along curves, the rules
// that name each curve's knee, and how both are written as JSON, as a table for people,
// as Markdown and as a picture.
package curve
