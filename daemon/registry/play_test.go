package registry

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// validated is what was found out about files in earlier lives, which have the same ones:
// validating a model takes a thousand times as long as everything else here.
var validated = struct {
	sync.Mutex
	tried map[string]*trial
}{tried: make(map[string]*trial)}

// play is a life in the making: the folder and what should be true of it.
type play struct {
	dir    string
	folder *Folder
	reg    *Registry
	want   *reference
	passed int    // models that came and went
	saved  []byte // state.json before it was spoilt
}

// play gives the first difference between folder and reference, "" for none.
func (l life) play(dir string) (wrong string) {
	old, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	for _, f := range old {
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
			return err.Error()
		}
	}
	p := &play{dir: dir, want: newReference()}
	p.open(false)
	defer func() { p.close() }()
	p.list(0, 0)
	if wrong := p.look("empty"); wrong != "" {
		return wrong
	}
	for i := 0; i+stepBytes <= len(l); i += stepBytes {
		if wrong := p.step(l[i]%steps, int(l[i+1]), int(l[i+2])); wrong != "" {
			return fmt.Sprintf("after step %d (%s): %s", i/stepBytes+1, l[i:i+stepBytes], wrong)
		}
	}
	return ""
}

// open is a daemon's start; a cold one validates everything itself.
func (p *play) open(cold bool) {
	p.folder = Dir(p.dir)
	if !cold {
		validated.Lock()
		p.folder.tried = maps.Clone(validated.tried)
		validated.Unlock()
	}
	p.reg = New(p.folder, Embedded())
}

func (p *play) close() {
	validated.Lock()
	defer validated.Unlock()
	maps.Copy(validated.tried, p.folder.tried)
}

// step does something to the folder and to the reference and compares.
func (p *play) step(what byte, which, how int) string {
	label := labels[which%len(labels)]
	switch what {
	case bring:
		p.file(label, how%len(says), 0)
		p.manifest(label, how/4, "", 0)
	case describe:
		share := 0.0
		kind := []string{models.RoleServe, models.RoleShadow, models.RoleShare, models.RoleOff}[how%4]
		if kind == models.RoleShare {
			share = 0.25
		}
		p.manifest(label, how/4, kind, share)
	case touch:
		if m, ok := p.want.manifests[label+".manifest.json"]; ok {
			p.manifest(label, how, m.entries[0].role.Role, m.entries[0].role.Share)
		}
	case withdraw:
		_ = os.Remove(filepath.Join(p.dir, label+".manifest.json"))
		delete(p.want.manifests, label+".manifest.json")
	case replace:
		p.file(label, how%fileStates, how/fileStates%3)
	case remove:
		_ = os.Remove(filepath.Join(p.dir, label+".onnx"))
		delete(p.want.files, label)
	case relist:
		p.list(which, how)
	case spoil:
		p.spoil(label, how)
	case promote, try, stop, rollback:
		if wrong := p.command(what, label, how); wrong != "" {
			return wrong
		}
	case restart:
		return p.restart(how%4 == 0)
	case spoilState:
		if data, err := os.ReadFile(filepath.Join(p.dir, stateFile)); err == nil && !p.want.spoilt {
			p.saved = data
			p.write(stateFile, []byte(`{"kinds":`), how)
			p.want.spoilt = true
		}
	case restoreState:
		if p.want.spoilt {
			p.write(stateFile, p.saved, how)
			p.want.spoilt = false
		}
	case removeState:
		_ = os.Remove(filepath.Join(p.dir, stateFile))
		p.want.kept, p.want.spoilt = nil, false
	case pass:
		for range 1 + how%6 {
			p.passed++
			label := fmt.Sprintf("p@%d", p.passed)
			p.file(label, 0, 0)
			p.manifest(label, which, "", 0)
			if wrong := p.look("while " + label + " is there"); wrong != "" {
				return wrong
			}
			_ = os.Remove(filepath.Join(p.dir, label+".manifest.json"))
			delete(p.want.manifests, label+".manifest.json")
		}
	case recall:
		if p.passed > 0 {
			p.manifest(fmt.Sprintf("p@%d", 1+which%p.passed), how, "", 0)
		}
	}
	return p.look("")
}

// command is an operator's, to the daemon or, beside it, to its folder.
func (p *play) command(what byte, label string, how int) string {
	folder, decided := p.folder, p.want.decided
	beside := how%3 == 0
	if beside {
		folder = Dir(p.dir)
		folder.tried = maps.Clone(p.folder.tried)
	}
	var err error
	share := float64(how/3%2) * 0.5
	switch what {
	case promote:
		err = folder.Promote(label)
	case try:
		err = folder.Try(label, share)
	case stop:
		err = folder.Stop(label)
	case rollback:
		_, err = folder.Rollback(kindOf(label))
	}
	if want := p.want.command(what, label, share, beside); want != (err == nil) {
		return fmt.Sprintf("the command's error is %v, should it work: %v; decided was %v", err, want, decided)
	}
	return ""
}

// restart ends the daemon and starts another. Nothing changes by that, but for a model that
// served on from memory.
func (p *play) restart(cold bool) string {
	before := p.reg.Snapshot()
	held := p.want.restart()
	p.close()
	p.open(cold)
	if wrong := p.look("started again"); wrong != "" {
		return wrong
	}
	for _, k := range []ipc.Kind{ipc.Workload, ipc.Failure} {
		if a, b := before.Model(k).Label, p.reg.Snapshot().Model(k).Label; !held[k] && a != b {
			return fmt.Sprintf("%s served %v before the restart, %s does after it", a, k, b)
		}
	}
	return ""
}

// look lets the daemon look at the folder several times, and compares. From the second look
// on nothing changes, in the folder neither.
func (p *play) look(when string) string {
	mark := ""
	p.want.look()
	for i := range 3 {
		_ = p.reg.Reload()
		if wrong := p.compare(); wrong != "" {
			return fmt.Sprintf("%s, look %d: %s", when, i+1, wrong)
		}
		now := p.folder.Mark()
		if i > 0 && now != mark {
			return fmt.Sprintf("%s, look %d: the folder's mark changed from %s to %s", when, i+1, mark, now)
		}
		mark = now
	}
	return ""
}

func (p *play) compare() string {
	s := p.reg.Snapshot()
	list, err := p.folder.List()
	if (err == nil) != p.want.readable() {
		return fmt.Sprintf("the list's error is %v, can it be read: %v", err, p.want.readable())
	}
	for _, k := range []ipc.Kind{ipc.Workload, ipc.Failure} {
		want := p.want.now[k]
		got := s.Model(k)
		if want.label == "" && !strings.HasPrefix(got.Source, "embedded:") || want.label != "" && got.Label != want.label {
			return fmt.Sprintf("%s serves %v, want %q; %v", got.Label, k, want.label, p.want)
		}
		if want.label != "" {
			out := make([]ipc.Prediction, 1)
			if err := got.Predict(trialRequests(k)[:1], out); err != nil {
				return err.Error()
			}
			if said := max(out[0].Workload.CPU, out[0].Failure.Probability); said != says[want.file] {
				return fmt.Sprintf("%s says %v, want %v", got.Label, said, says[want.file])
			}
		}
		tried, share := "", 0.0
		if c := s.Candidate(k); c != nil {
			tried, share = c.Label, c.Share
		}
		if tried != want.tried || share != want.share {
			return fmt.Sprintf("%q with %v is tried, want %q with %v; %v", tried, share, want.tried, want.share, p.want)
		}
		if problem := s.Problem(k); (problem != nil) != p.want.problem(k) {
			return fmt.Sprintf("%v's problem is %v, should there be one: %v", k, problem, p.want.problem(k))
		}
	}
	for _, l := range list {
		if want := p.want.role(l.Model); l.Role != want {
			return fmt.Sprintf("%s is listed as %s, want %s; %v", l.Model, l.Role, want, p.want)
		}
	}
	return ""
}
