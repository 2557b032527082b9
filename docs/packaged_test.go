package docs_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// handbook is where packages have the documents, in the folders of the repository.
const handbook = "/usr/share/doc/mlbridge"

var (
	content  = regexp.MustCompile(`(?m)^  - \{src: "?([^",]+)"?, dst: ([^,}]+)(?:.*packager: (\w+))?`)
	forEach  = regexp.MustCompile(`^for name in (.*); do$`)
	shared   = regexp.MustCompile(`>"\$out/(share/[^"]+)"$`)
	commands = []string{"ml-bridge", "mld", "kernelsim"}
)

// built is what deploy/packaging/dist makes, as nfpm.yaml names it.
func built(t *testing.T) []string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(root, "deploy/packaging/dist"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, name := range commands {
		files = append(files, "${DIST}/linux-${ARCH}/"+name, "${DIST}/linux-${ARCH}/"+name+".cdx.json")
	}
	names := []string{""}
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSpace(line)
		if m := forEach.FindStringSubmatch(line); m != nil {
			names = strings.Fields(m[1])
		} else if line == "done" {
			names = []string{""}
		} else if m := shared.FindStringSubmatch(line); m != nil {
			for _, name := range names {
				files = append(files, "${DIST}/"+strings.ReplaceAll(m[1], "$name", name))
			}
		}
	}
	return files
}

// packaged is the list of files of a package, by where they are installed: what they
// are made of, seen from root.
func packaged(t *testing.T, format string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/packaging/nfpm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dist := built(t)
	entries := content.FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "\n  - {src:"); len(entries) != n || n == 0 {
		t.Fatalf("%d of %d entries of nfpm.yaml are understood", len(entries), n)
	}
	list := make(map[string]string)
	for _, m := range entries {
		pattern, dst, only := m[1], m[2], m[3]
		if only != "" && only != format {
			continue
		}
		var sources []string
		if strings.HasPrefix(pattern, "$") {
			for _, file := range dist {
				if ok, _ := path.Match(pattern, file); ok {
					sources = append(sources, file)
				}
			}
		} else {
			matches, err := filepath.Glob(filepath.Join(root, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range matches {
				if info, err := os.Stat(match); err == nil && info.Mode().IsRegular() {
					sources = append(sources, match)
				}
			}
		}
		if len(sources) == 0 {
			t.Errorf("nfpm.yaml: nothing matches %s", pattern)
		}
		// As nfpm does: into a folder that ends with a slash goes the file alone, into another
		// its place below the folder that all matches have in common.
		folder := common(sources)
		for _, source := range sources {
			at := dst
			if strings.HasSuffix(dst, "/") {
				at = path.Join(dst, path.Base(source))
			} else if strings.Contains(pattern, "*") {
				at = path.Join(dst, strings.TrimPrefix(source, folder))
			}
			if list[at] != "" {
				t.Errorf("nfpm.yaml: %s is made of %s and of %s", at, list[at], source)
			}
			list[at] = source
		}
	}
	return list
}

// common is the folder that all files are in, with a slash.
func common(files []string) string {
	folder := path.Dir(files[0]) + "/"
	for _, file := range files {
		for !strings.HasPrefix(file, folder) {
			folder = path.Dir(strings.TrimSuffix(folder, "/")) + "/"
		}
	}
	return folder
}

// has reports whether the list has the file, or files in the folder.
func has(list map[string]string, name string) bool {
	if _, ok := list[name]; ok {
		return true
	}
	for file := range list {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// Every link of a document that a package has leads to a file that it has too, the same
// as in the repository, where TestLinks has checked its anchor.
func TestPackagedLinks(t *testing.T) {
	for _, format := range []string{"deb", "rpm"} {
		list := packaged(t, format)
		checked := 0
		for at, source := range list {
			if !strings.HasSuffix(at, ".md") {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(prose(t, source), -1) {
				file, _, _ := strings.Cut(m[1], "#")
				if strings.Contains(file, "://") || file == "" {
					continue
				}
				checked++
				target := path.Join(path.Dir(at), file)
				if !has(list, target) {
					t.Errorf("%s: %s links to %s, which the package does not have", format, at, m[1])
				} else if from := list[target]; from != "" && from != filepath.Join(filepath.Dir(source), file) {
					t.Errorf("%s: %s links to %s, which is made of %s", format, at, m[1], from)
				}
			}
		}
		if checked == 0 {
			t.Errorf("%s: no link was found: the list is wrong", format)
		}
	}
}

// The manual pages and units of a package name no page and no file of ours that it does
// not have.
func TestPackagedReferences(t *testing.T) {
	bin := t.TempDir()
	texts := make(map[string]string)
	for _, name := range commands {
		run(t, "go", "build", "-o", bin+"/", "../cmd/"+name)
		texts[name] = run(t, filepath.Join(bin, name), "manual")
		if name != "kernelsim" {
			texts[name+".toml"] = run(t, filepath.Join(bin, name), "manual", "--file")
		}
	}
	units, err := filepath.Glob(filepath.Join(root, "deploy/systemd/*.*"))
	if err != nil || len(units) == 0 {
		t.Fatal(units, err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(unit)] = string(text)
	}
	page := regexp.MustCompile(`([a-z][a-z.-]*)\(([1-8])\)`)
	installed := regexp.MustCompile(handbook + `[\w/.-]*\w`)
	for _, format := range []string{"deb", "rpm"} {
		list := packaged(t, format)
		var seen []string
		for from, text := range texts {
			text = strings.ReplaceAll(text, `\-`, "-")
			for _, m := range page.FindAllStringSubmatch(text, -1) {
				want := "/usr/share/man/man" + m[2] + "/" + m[1] + "." + m[2] + ".gz"
				if seen = append(seen, want); !has(list, want) {
					t.Errorf("%s: %s names %s, which the package does not have", format, from, m[0])
				}
			}
			for _, file := range installed.FindAllString(text, -1) {
				if seen = append(seen, file); !has(list, file) {
					t.Errorf("%s: %s names %s, which the package does not have", format, from, file)
				}
			}
		}
		for at := range list {
			if strings.HasPrefix(at, "/usr/share/man/") && !slices.Contains(seen, at) {
				t.Errorf("%s: nothing names %s", format, at)
			}
		}
		if !slices.Contains(seen, handbook+"/docs/README.md") {
			t.Errorf("%s: no page names the handbook: the pattern is wrong", format)
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
	return string(out)
}
