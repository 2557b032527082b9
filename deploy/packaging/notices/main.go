// Command notices writes the copyright file of a package: the licences of this
// repository, of every Go module that is linked into the given binaries, and of the Go
// standard library, each in full, as their terms ask of whoever passes binaries on. The
// form is Debian's machine-readable one (copyright-format/1.0), which people can read too.
//
// usage: notices REPOSITORY BINARY… > copyright
//
// Modules are read from the binaries themselves, their texts from the module cache, whose
// content go.sum pins: the same binaries give the same bytes. A module without a licence,
// or with one that is not recognized, is an error: somebody has to read it.
package main

import (
	"bufio"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: notices REPOSITORY BINARY…")
		os.Exit(2)
	}
	out := bufio.NewWriter(os.Stdout)
	err := errors.Join(write(out, os.Args[1], os.Args[2:]), out.Flush())
	if err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, repository string, binaries []string) error {
	linked, toolchain, err := modules(binaries)
	if err != nil {
		return err
	}
	own, err := os.ReadFile(filepath.Join(repository, "LICENSE"))
	if err != nil {
		return err
	}
	written := make(map[string]string)
	fmt.Fprint(w, `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mlbridge
Source: https://github.com/mlbridge/mlbridge
Comment: The commands are linked statically with the Go modules below and with the Go
 standard library. Paths in them are those of the module cache.
`)
	p := paragraph{files: "*", copyright: []string{"the mlbridge authors"}, license: "Apache-2.0", texts: []string{string(own)}}
	p.write(w, written)
	root, err := goRoot()
	if err != nil {
		return err
	}
	std, err := read("Go standard library", root)
	if err != nil {
		return err
	}
	std.files = "go/" + toolchain + "/*"
	std.write(w, written)
	var problems []error
	for _, m := range linked {
		dir, err := cached(repository, m)
		if err == nil {
			var p paragraph
			if p, err = read(m, dir); err == nil {
				p.files = m + "/*"
				p.write(w, written)
			}
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// modules lists what is linked into the binaries, "path@version", and the toolchain.
func modules(binaries []string) (linked []string, toolchain string, err error) {
	for _, name := range binaries {
		info, err := buildinfo.ReadFile(name)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", name, err)
		}
		toolchain = info.GoVersion
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			linked = append(linked, m.Path+"@"+m.Version)
		}
	}
	slices.Sort(linked)
	return slices.Compact(linked), toolchain, nil
}

// cached is where the module cache has a module of the repository.
func cached(repository, module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir, cmd.Stderr = repository, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", module, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil || m.Dir == "" {
		return "", fmt.Errorf("%s is not in the module cache: %v", module, err)
	}
	return m.Dir, nil
}

func goRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// paragraph is what is said about one work.
type paragraph struct {
	files, license string
	copyright      []string
	texts          []string
}

// legal are the files that a licence's terms are in, and what some ask to be kept with.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// sure is the share in percent of a text that must be that of a known licence.
const sure = 75

func read(name, dir string) (p paragraph, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		p.texts = append(p.texts, string(text))
		p.copyright = append(p.copyright, holders(string(text))...)
		cover := licensecheck.Scan(text)
		for _, m := range cover.Match {
			if cover.Percent >= sure && !slices.Contains(ids, m.ID) {
				ids = append(ids, m.ID)
			}
		}
	}
	if len(ids) == 0 {
		return p, fmt.Errorf("%s: no licence is recognized in %s: read it, and say here what it is", name, dir)
	}
	p.license = strings.Join(ids, " and ")
	return p, nil
}

var holder = regexp.MustCompile(`(?i)^\W*(?:portions )?copyright(?: \(c\)| ©)?:? +((?:[^ ]*\d{4}|the |\pL).*)$`)

// notHolder begins what licences say of copyright in general.
var notHolder = regexp.MustCompile(`(?i)^(notice|owner|holder|license|statement|law|and|or|the copyright)\b`)

// holders are the lines that say whose a text is, as they stand there.
func holders(text string) (out []string) {
	for line := range strings.Lines(text) {
		m := holder.FindStringSubmatch(strings.TrimSpace(line))
		// Licences have places to be filled in, too.
		if m == nil || strings.ContainsAny(m[1], "[]{}") || notHolder.MatchString(m[1]) {
			continue
		}
		if h := strings.TrimSpace(m[1]); !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// write adds the paragraph. What was written already, which is for whom by text, is
// pointed to: half of the modules have the same terms.
func (p *paragraph) write(w io.Writer, written map[string]string) {
	copyright := p.copyright
	if len(copyright) == 0 {
		copyright = []string{"its authors"}
	}
	fmt.Fprintf(w, "\nFiles: %s\nCopyright: %s\nLicense: %s\n", p.files, strings.Join(copyright, "\n "), p.license)
	for i, text := range p.texts {
		if i > 0 {
			fmt.Fprintln(w, " .")
		}
		if first, ok := written[text]; ok {
			fmt.Fprintf(w, " The text is the one under Files: %s above.\n", first)
			continue
		}
		written[text] = p.files
		for line := range strings.Lines(strings.TrimRight(text, " \t\r\n")) {
			if line = strings.TrimRight(line, " \t\r\n\f"); line == "" {
				line = "."
			}
			fmt.Fprintln(w, " "+strings.TrimLeft(line, "\f"))
		}
	}
}
