package recordings

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// file is one of a data set, and readers what asks about it. Their folder has the others,
// as far as they go together.
type file struct {
	name, text string
	read       func(o Options, to Sink) error
}

var set = []file{
	{"workload/smd_cpu_mem_test.csv.gz", "machine,minute,cpu_e4,mem_e4\n" + rows("m,%,250,4000\n", 14), workload("smd_cpu")},
	{"workload/procs_test.csv.gz", "run,t_ms,cpu_e4,mem_kb\n" + rows("p,%,250,4000\n", 14), workload("procs_mem")},
	{"workload/bitbrains_test.csv.gz", "vm,dt_s,cpu_e4,mem_kb\n" + rows("7,300,%,4000\n", 14), workload("bitbrains_mem")},
	{"workload/bitbrains_vms.csv", "part,vm,cores,capacity_kb,rows,mean\ntest,7,2,8000,14,1\n", workload("bitbrains_cpu")},
	{"workload/gentd26_test.csv.gz", "pod,step,mem_e4,gpu_e4,gmem_mb\n" + rows("1,%,10,,3\n", 14), workload("gentd26_mem")},
	{"memory/faults_test.csv.gz", "program,seg,dt_us,dvpn,type,major\n" + rows("p,0,3,%,w,0\n", 24), ReadMemory},
	{"failure/lanl_systems_test.csv", "system,nodes,procs,first,last,failures\n2,3,128,1000,60000,1\n", failure("lanl")},
	{"failure/lanl_failures_test.csv.gz", "system,node,start_min,down_min,type\n2,1,30000,90,hw\n", failure("lanl")},
	{"failure/oom_ends_test.csv.gz", "run,program,end,t_ms\nr,p,oom,700\n", failure("oom")},
	{"failure/oom_runs_test.csv.gz", "run,program,t_ms,rss_kb,limit_kb,cpu_ms,failcnt,majfault\n" + rows("r,p,%,100,200,5,0,0\n", 14), failure("oom")},
	{"failure/smd_health_test.csv.gz", "machine,minute,memory,cpu,io,network,incident\n" + rows("m,%,900,800,700,600,0\n", 14), failure("smd")},
	{"threat/adfa_test.csv.gz", "trace,kind,instance,calls\na,2,1,3 4 5 340 6\n", traces(1)},
	{"threat/benign_x86_test.csv.gz", "program,command,us,calls\nls,ls -l,12,3 4 5 340 6\n", traces(0)},
}

// rows repeats a row, with 1, 2, 3 … for %.
func rows(row string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(row, "%", strconv.Itoa(i+1)))
	}
	return b.String()
}

func workload(name string) func(o Options, to Sink) error {
	return func(o Options, to Sink) error {
		for i := range WorkloadSets {
			if s := &WorkloadSets[i]; s.Name == name {
				return ReadWorkload(s, o, to)
			}
		}
		return errors.New("no set " + name)
	}
}

func failure(name string) func(o Options, to Sink) error {
	return func(o Options, to Sink) error { return ReadFailure(&Set{Name: name}, o, to) }
}

func traces(set int) func(o Options, to Sink) error {
	return func(o Options, to Sink) error {
		all, err := ReadTraces(&Set{Research: set == 1}, o.Data, o.Part)
		for _, t := range all {
			if err == nil {
				err = to.Ask(&Question{Request: Windows(t.Calls)[0].Request(syscalls.Ordinary())})
			}
		}
		return err
	}
}

// write puts a file into the folder, packed where its name says so.
func (f *file) write(t testing.TB, dir, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(f.name))
	data := []byte(text)
	if strings.HasSuffix(path, ".gz") {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.NoCompression) // the level exists
		_, _ = z.Write(data)                                // into memory
		_ = z.Close()
		data = b.Bytes()
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func folder(t testing.TB) Options {
	o := Options{Data: t.TempDir(), Part: "test", Stride: 1, Tables: true}
	for i := range set {
		set[i].write(t, o.Data, set[i].text)
	}
	return o
}

// enough ends a reading after some questions, each of which must be a valid one.
type enough struct {
	t    testing.TB
	left int
}

var errEnough = errors.New("enough")

func (*enough) Entity(string) {}

func (e *enough) Ask(q *Question) error {
	if err := q.Request.Validate(); err != nil {
		e.t.Errorf("a question that no client may ask: %v", err)
	}
	if e.left--; e.left <= 0 {
		return errEnough
	}
	return nil
}

// Every file is read, and what is missing in it, or makes no sense, is an error that says
// where.
func TestFilesOfOthers(t *testing.T) {
	for i := range set {
		f := &set[i]
		o := folder(t)
		to := &noted{}
		if err := f.read(o, to); err != nil || len(to.asked) == 0 {
			t.Errorf("%s: %d questions, %v", f.name, len(to.asked), err)
		}
		header, _, _ := strings.Cut(f.text, "\n")
		first, _, _ := strings.Cut(header, ",")
		f.write(t, o.Data, first+"\nx\n") // one column
		err := f.read(o, to)
		if f.name == "threat/benign_x86_test.csv.gz" {
			continue // its only column is the calls
		}
		if err == nil || !strings.Contains(err.Error(), filepath.Base(f.name)+":2: ") {
			t.Errorf("%s with one column: %v", f.name, err)
		}
	}
	for _, c := range []struct{ file, old, new, want string }{
		{"failure/lanl_failures_test.csv.gz", "\n2,", "\n9,", "not among the systems"},
		{"failure/lanl_failures_test.csv.gz", "2,1,", "2,-1,", "node -1"},
		{"failure/lanl_systems_test.csv", "60000", "60000000000", "in order"},
		{"failure/lanl_systems_test.csv", "2,3,", "2,1000000000,", "at most"},
		{"memory/faults_test.csv.gz", ",w,", ",q,", "r, w or x"},
		{"workload/procs_test.csv.gz", ",4000", ",-4000", "no amount"},
		{"workload/procs_test.csv.gz", ",4000", ",NaN", `procs_test.csv.gz:2: column 4: "NaN" is no finite number`},
		// In the last row of a name it would be only what comes, and never asked about.
		{"workload/smd_cpu_mem_test.csv.gz", "m,14,250", "m,14,NaN", `:15: column 3: "NaN" is no finite number`},
		{"workload/smd_cpu_mem_test.csv.gz", "m,14,250", "m,14,-Inf", `:15: column 3: "-Inf" is no finite number`},
		{"workload/smd_cpu_mem_test.csv.gz", "m,14,250", "m,14,", `:15: column 3: "" is no finite number`},
		{"workload/smd_cpu_mem_test.csv.gz", "m,14,250", "m,14", `:15: 3 columns, the header has 4`},
		{"failure/oom_runs_test.csv.gz", "r,p,3", "r,p,3.5", `:4: column 3: "3.5" is no whole number`},
	} {
		for i := range set {
			if f := &set[i]; f.name == c.file {
				o := folder(t)
				f.write(t, o.Data, strings.Replace(f.text, c.old, c.new, 1))
				if err := f.read(o, &noted{}); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s with %q: %v, want %q", c.file, c.new, err, c.want)
				}
			}
		}
	}
}

// TestFilesThatEndEarly: half a copy is told from a file with a mistake in it.
func TestFilesThatEndEarly(t *testing.T) {
	f := &set[0]
	o := folder(t)
	path := filepath.Join(o.Data, filepath.FromSlash(f.name))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := filepath.Base(f.name) + ": the file is cut off"
		if n == 0 {
			want = filepath.Base(f.name) + ": the file is empty"
		}
		if err := f.read(o, &noted{}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%d of %d bytes: %v, want %q", n, len(whole), err, want)
		}
	}
	f.write(t, o.Data, "")
	if err := f.read(o, &noted{}); err == nil || !strings.HasSuffix(err.Error(), ": the file is empty") {
		t.Errorf("nothing packed: %v", err)
	}
}

// A window of memory is whole where the gpu was measured in all of it, what comes next included.
func TestWholeWindows(t *testing.T) {
	f := file{name: "workload/gentd26_test.csv.gz"}
	o := Options{Data: t.TempDir(), Part: "test"}
	f.write(t, o.Data, "pod,step,mem_e4,gpu_e4,gmem_mb\n1,0,10,,3\n"+rows("1,%,10,5,3\n", 12))
	var whole []bool
	n := &noted{}
	if err := workload("gentd26_mem")(o, n); err != nil {
		t.Fatal(err)
	}
	for _, q := range n.asked {
		whole = append(whole, q.Whole)
	}
	if !slices.Equal(whole, []bool{false, true, true}) {
		t.Errorf("of three windows whole are %v, want the two without the first sample", whole)
	}
}

// FuzzFiles: whatever a file of data says, its reader asks valid questions or gives an error.
func FuzzFiles(f *testing.F) {
	for i := range set {
		f.Add(uint8(i), set[i].text)
	}
	o := folder(f)
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		file := &set[int(which)%len(set)]
		defer file.write(t, o.Data, file.text) // the next may be another
		file.write(t, o.Data, text)
		_ = file.read(o, &enough{t, 100}) // or an error
	})
}
