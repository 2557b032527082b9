package anatomy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/bench/internal/compare"
	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// bench is a micro-benchmark: the package it is in, which `go test -bench` is told, and
// what figure of its line counts.
type bench struct {
	folder  string // of the package, from the tree's root
	pattern string
	line    string // end of its name in the output
	unit    string // "ns/op", or "ns/item" where the benchmark goes through many
}

// The micro-benchmarks, by the name they have in stages.
var benches = map[string]bench{
	"question-append":   {"bench/internal/anatomy", "^BenchmarkQuestionAppend$", "BenchmarkQuestionAppend", "ns/op"},
	"question-parse":    {"bench/internal/anatomy", "^BenchmarkQuestionParse$", "BenchmarkQuestionParse", "ns/op"},
	"prediction-append": {"bench/internal/anatomy", "^BenchmarkPredictionAppend$", "BenchmarkPredictionAppend", "ns/op"},
	"prediction-parse":  {"bench/internal/anatomy", "^BenchmarkPredictionParse$", "BenchmarkPredictionParse", "ns/op"},
	"call-parse":        {"bench/internal/anatomy", "^BenchmarkCallParse$", "BenchmarkCallParse", "ns/op"},
	"answer-append":     {"bench/internal/anatomy", "^BenchmarkAnswerAppend$", "BenchmarkAnswerAppend", "ns/op"},
	"unix":              {"bench/internal/anatomy", "^BenchmarkUnix$", "BenchmarkUnix", "ns/op"},
	"tcp":               {"bench/internal/anatomy", "^BenchmarkTCP$", "BenchmarkTCP", "ns/op"},
	"round-hit":         {"bridge", "^BenchmarkHit$/^workload$", "workload", "ns/op"},
	"round-cold":        {"bridge", "^BenchmarkCold$", "BenchmarkCold", "ns/op"},
	"response":          {"bridge/upstream", "^BenchmarkResponse$", "BenchmarkResponse", "ns/op"},
	"request":           {"daemon/httploop", "^BenchmarkRequest$", "BenchmarkRequest", "ns/op"},
	"predict":           {"daemon/predict", "^BenchmarkPredict$/^toy-workload$/^1$", "1", "ns/op"},
	"features":          {"daemon/predict", "^BenchmarkStages$/^toy-workload$", "features", "ns/item"},
	"conclude":          {"daemon/predict", "^BenchmarkStages$/^toy-workload$", "conclude", "ns/item"},
}

// Micro runs micro-benchmarks on the core of the calls.
type Micro struct {
	Starter *process.Starter
	Root    string // of the tree
	Bin     string // folder for the test programs
	Time    string // -test.benchtime

	figures map[string][]float64 // ns, an entry a round
}

// Build compiles the test programs, so that nothing is compiled while measuring.
func (m *Micro) Build(ctx context.Context) error {
	done := map[string]bool{}
	for _, b := range benches {
		if done[b.folder] {
			continue
		}
		done[b.folder] = true
		_, err := m.Starter.Output(ctx, false, "go", "test", "-C", filepath.Join(m.Root, b.folder), "-c", "-trimpath", "-o", m.program(b.folder), ".")
		if err != nil {
			return fmt.Errorf("anatomy: tests of %s: %w", b.folder, err)
		}
	}
	return nil
}

func (m *Micro) program(folder string) string {
	return filepath.Join(m.Bin, strings.ReplaceAll(folder, "/", "-")+".test")
}

// Round runs every micro-benchmark once.
func (m *Micro) Round(ctx context.Context) error {
	if m.figures == nil {
		m.figures = map[string][]float64{}
	}
	outputs := map[[2]string][]byte{} // a run may have the figures of several
	for name, b := range benches {
		key := [2]string{b.folder, b.pattern}
		if outputs[key] == nil {
			// env changes into the package's folder, where its tests expect to be.
			out, err := m.Starter.Output(ctx, true, "env", "-C", filepath.Join(m.Root, b.folder), m.program(b.folder),
				"-test.run", "^$", "-test.bench", b.pattern, "-test.benchtime", m.Time)
			if err != nil {
				return fmt.Errorf("anatomy: %s: %w", name, err)
			}
			outputs[key] = out
		}
		ns, err := parseBench(outputs[key], b.line, b.unit)
		if err != nil {
			return fmt.Errorf("anatomy: %s: %w", name, err)
		}
		m.figures[name] = append(m.figures[name], ns)
	}
	return nil
}

// Medians gives each micro-benchmark's median over the rounds, in µs.
func (m *Micro) Medians() map[string]float64 {
	all := make(map[string]float64, len(m.figures))
	for name, v := range m.figures {
		all[name] = compare.Median(v) / 1e3
	}
	return all
}

// processors is what `go test` puts behind a name where there are several.
var processors = regexp.MustCompile(`-\d+$`)

// parseBench finds a figure in a benchmark's output: in the only line of a benchmark
// whose name ends in line.
func parseBench(out []byte, line, unit string) (ns float64, err error) {
	found := 0
	scan := bufio.NewScanner(bytes.NewReader(out))
	for scan.Scan() {
		f := strings.Fields(scan.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") || !strings.HasSuffix(processors.ReplaceAllString(f[0], ""), line) {
			continue
		}
		for i := 2; i+1 < len(f); i += 2 {
			if f[i+1] != unit {
				continue
			}
			if ns, err = strconv.ParseFloat(f[i], 64); err != nil {
				return 0, fmt.Errorf("%q: %w", scan.Text(), err)
			}
			found++
		}
	}
	if found != 1 {
		return 0, fmt.Errorf("%d figures of %s in %s, want 1: %q", found, line, unit, out)
	}
	return ns, nil
}
