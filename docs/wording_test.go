package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// told are the functions whose texts are what /health and doctor say, and the log of states.
var told = []string{"health", "instead", "insteadOfAll", "logStates", "switchedOff", "demoted", "Reasons"}

// TestTheHandbookHasTheWordsOfTheCommands: whoever looks for what /health, doctor, the page or
// the log says finds it in the table of operations.md, in the very words.
func TestTheHandbookHasTheWordsOfTheCommands(t *testing.T) {
	text, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| you see |")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.NewReplacer("`", "", "*", "").Replace(table)
	n := 0
	for _, pkg := range []string{"ml-bridge", "mld", "internal/modeldesk", "internal/admin", "internal/cli", "internal/tracing"} {
		files, err := filepath.Glob(filepath.Join(root, "cmd", pkg, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, words := range wordsOf(t, file) {
				if n++; !strings.Contains(rows, words) {
					t.Errorf("%s says %q, which the table of operations.md has not", file, words)
				}
			}
		}
	}
	if n < 40 {
		t.Errorf("%d texts were found", n)
	}
}

// wordsOf gives the texts of a file's warnings and errors, and those of the functions told.
func wordsOf(t *testing.T, file string) (list []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(e ast.Expr) {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return
		}
		words, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		if words = strings.Trim(words, ": "); strings.Count(words, " ") >= 2 || strings.Contains(words, " serve") {
			list = append(list, words)
		}
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		all := slices.Contains(told, fn.Name.Name)
		ast.Inspect(fn, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok && !all && len(call.Args) == 1 && warns(call) {
				add(call.Args[0])
			}
			if lit, ok := node.(*ast.BasicLit); ok && all {
				add(lit)
			}
			return true
		})
	}
	return list
}

// warns reports whether a call is the Msg of a warning or an error.
func warns(call *ast.CallExpr) bool {
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || fn.Sel.Name != "Msg" {
		return false
	}
	for e := fn.X; ; {
		c, ok := e.(*ast.CallExpr)
		if !ok {
			return false
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		if s.Sel.Name == "Warn" || s.Sel.Name == "Error" {
			return true
		}
		e = s.X
	}
}
