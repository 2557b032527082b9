package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestHolders(t *testing.T) {
	text := `Apache License
   "Licensor" shall mean the copyright owner or entity authorized by
      copyright license to reproduce
   Copyright [yyyy] [name of copyright owner]
   Copyright {yyyy} {name of copyright owner}
Copyright (c) 2012 The Go Authors. All rights reserved.
Copyright © 2015-present Somebody
// Copyright: 2009 A. Nother
Copyright (c) Yasuhiro MATSUMOTO <a@b.c>
Copyright (c) 2012 The Go Authors. All rights reserved.
`
	want := []string{"2012 The Go Authors. All rights reserved.", "2015-present Somebody", "2009 A. Nother", "Yasuhiro MATSUMOTO <a@b.c>"}
	if got := holders(text); !slices.Equal(got, want) {
		t.Errorf("holders = %q, want %q", got, want)
	}
}

// A text that is no known licence stops the build; the same terms are written once.
func TestReadAndWrite(t *testing.T) {
	own, err := os.ReadFile("../../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("LICENSE", "Do as you please, but not on Mondays.")
	file("licenses.go", "package x")
	if _, err := read("x", dir); err == nil || !strings.Contains(err.Error(), "no licence is recognized") {
		t.Errorf("of unknown terms: %v", err)
	}
	file("LICENSE", string(own))
	file("NOTICE.txt", "Copyright 2020 Somebody\n\nThis product has parts.")
	p, err := read("x", dir)
	if err != nil || p.license != "Apache-2.0" || len(p.texts) != 2 || !slices.Equal(p.copyright, []string{"2020 Somebody"}) {
		t.Fatalf("read = %+v, %v", p, err)
	}
	written, b := map[string]string{}, new(strings.Builder)
	p.files = "first/*"
	p.write(b, written)
	p.files = "second/*"
	p.write(b, written)
	if got := strings.Count(b.String(), "TERMS AND CONDITIONS"); got != 2 { // "TERMS AND CONDITIONS FOR", "END OF"
		t.Errorf("the same terms are there %d times", got)
	}
	if !strings.Contains(b.String(), "\nFiles: second/*\nCopyright: 2020 Somebody\nLicense: Apache-2.0\n The text is the one under Files: first/* above.\n") {
		t.Errorf("the second one:\n%s", b.String())
	}
	for line := range strings.Lines(b.String()) {
		if line != "\n" && !strings.HasPrefix(line, " ") && !strings.Contains(line, ": ") {
			t.Errorf("not in the form: %q", line)
		}
	}
}
