package ipc

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The specification is checked against the code: a table that says something else
// than the program is worse than none.

func readSpec(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// specSection gives the text of the section with that number.
func specSection(t testing.TB, number int) string {
	t.Helper()
	_, text, ok := strings.Cut(readSpec(t), fmt.Sprintf("\n## %d ", number))
	if !ok {
		t.Fatalf("PROTOCOL.md has no section %d", number)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// specRows gives the cells of every table row of a text.
func specRows(text string) [][]string {
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

func specFaults(t testing.TB) []ProtocolFault {
	var faults []ProtocolFault
	for _, row := range specRows(specSection(t, 10))[1:] {
		faults = append(faults, ProtocolFault(row[0]))
	}
	return faults
}

// TestSpecFaults compares the faults of the specification with the constants.
func TestSpecFaults(t *testing.T) {
	source, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	var inCode []ProtocolFault
	for _, m := range regexp.MustCompile(`ProtocolFault = "([a-z-]+)"`).FindAllSubmatch(source, -1) {
		inCode = append(inCode, ProtocolFault(m[1]))
	}
	inSpec := specFaults(t)
	slices.Sort(inCode)
	slices.Sort(inSpec)
	if len(inCode) == 0 || !slices.Equal(inCode, inSpec) {
		t.Errorf("faults in errors.go: %q\nin PROTOCOL.md: %q", inCode, inSpec)
	}
}

// TestSpecNames compares the numbered names: statuses, sources, reasons, kinds.
func TestSpecNames(t *testing.T) {
	inSpec := map[string]string{}
	tables := map[string]string{
		"status": specSection(t, 9),
		"source": specSection(t, 8),
	}
	tables["source"], tables["reason"], _ = strings.Cut(tables["source"], "| reason |")
	for what, text := range tables {
		for _, row := range specRows(text) {
			if _, err := strconv.Atoi(row[0]); err == nil && len(row) > 2 {
				inSpec[what+" "+row[0]] = row[1]
			}
		}
	}
	check := func(what string, number uint8, name string) {
		if got := inSpec[fmt.Sprintf("%s %d", what, number)]; got != name {
			t.Errorf("PROTOCOL.md calls %s %d %q, the code %q", what, number, got, name)
		}
	}
	for _, s := range Statuses {
		check("status", uint8(s), s.String())
	}
	for _, s := range Sources {
		check("source", uint8(s), s.String())
	}
	for _, r := range Reasons[:ReasonBridgeUnavailable] {
		check("reason", uint8(r), r.String())
	}
	for i, row := range specRows(specSection(t, 7))[1:][:len(Kinds)] {
		if k := Kinds[i]; row[0] != strconv.Itoa(int(k)) || row[1] != k.String() {
			t.Errorf("PROTOCOL.md has kind %s %s where the code has %d %s", row[0], row[1], k, k)
		}
	}
}

// TestSpecRetriable compares the "ask again unchanged?" column.
func TestSpecRetriable(t *testing.T) {
	for i, row := range specRows(specSection(t, 9))[1:] {
		if got := row[2] == "later"; got != Statuses[i].Retriable() {
			t.Errorf("PROTOCOL.md: %s is retriable: %t, the code: %t", row[1], got, !got)
		}
	}
}

// TestSpecExample compares the bytes quoted in the specification with the golden
// vectors they name.
func TestSpecExample(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```hex ([a-z-]+)\n(.*?)```").FindAllStringSubmatch(readSpec(t), -1)
	if len(blocks) < 5 {
		t.Fatalf("PROTOCOL.md quotes %d vectors, want the whole example", len(blocks))
	}
	byName := map[string]vector{}
	for _, v := range loadVectors(t) {
		byName[v.name] = v
	}
	for _, block := range blocks {
		quoted, err := parseHex(block[2])
		if err != nil {
			t.Errorf("%s: %v", block[1], err)
		}
		if v, ok := byName[block[1]]; !ok || !bytes.Equal(v.frame, quoted) {
			t.Errorf("PROTOCOL.md quotes %s as % x, the vector is % x", block[1], quoted, v.frame)
		}
	}
}

// TestSpecLargestSlot proves the size that section 11 promises.
func TestSpecLargestSlot(t *testing.T) {
	q := largestRequest(Threat)
	size := len(appendPredict(nil, 1, Options{}, []Request{q})) - len("\x94\x03\x01\x00\x91")
	if !strings.Contains(specSection(t, 11), fmt.Sprintf("%d,%03d bytes", size/1000, size%1000)) {
		t.Errorf("the largest threat slot has %d bytes, section 11 says otherwise", size)
	}
	for _, k := range Kinds {
		if n := len(appendPredict(nil, 1, Options{}, []Request{largestRequest(k)})); n > size+5 {
			t.Errorf("the largest %s slot has %d bytes, more than threat's %d", k, n-5, size)
		}
	}
}

// TestSpecListing compiles the C of section 14, as it stands in the text, and
// compares it with the transliteration that TestFixedPoint checks against hardware.
func TestSpecListing(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler here; TestFixedPoint covers the algorithm")
	}
	_, listing, _ := strings.Cut(specSection(t, 14), "```c\n")
	listing, _, ok := strings.Cut(listing, "```")
	if !ok {
		t.Fatal("section 14 has no C listing")
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "fixed.c")
	program := "#include <stdint.h>\n#include <stdio.h>\n" + listing + `
int main(void)
{
	unsigned long long m;
	int k;
	while (scanf("%llu %d", &m, &k) == 2)
		printf("%08x\n", f32_bits(m, k));
	return 0;
}
`
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "fixed")
	if out, err := exec.Command(compiler, "-Wall", "-Wextra", "-Werror", "-O2", "-mno-sse", "-mno-80387", "-c", "-o", binary+".o", source).CombinedOutput(); err != nil && !strings.Contains(string(out), "unrecognized") {
		t.Fatalf("the listing does not compile without an FPU: %v\n%s", err, out)
	}
	if out, err := exec.Command(compiler, "-Wall", "-Wextra", "-Werror", "-O2", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("the listing does not compile: %v\n%s", err, out)
	}
	var in, want bytes.Buffer
	for _, c := range fixedPointCases() {
		fmt.Fprintln(&in, c.m, c.k)
		fmt.Fprintf(&want, "%08x\n", f32Bits(c.m, c.k))
	}
	run := exec.Command(binary)
	run.Stdin = &in
	got, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("the C listing of section 14 and the algorithm tested here disagree")
	}
}
