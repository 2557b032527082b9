package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestPeerRules(t *testing.T) {
	p := peerRules{admit: ipc.SameUser(7), quota: ipc.Quota{Conns: 100, InFlight: 1000}}
	for _, s := range []string{"pid=9:deny", "uid=1000:rate=5000.5,burst=10,in-flight=256,class=normal", "gid=5:allow", "uid=8:conns=3,share=0.5"} {
		r, err := parsePeer(s)
		if err != nil {
			t.Fatalf("parsePeer(%q): %v", s, err)
		}
		p.rules = append(p.rules, r)
	}
	for _, c := range []struct {
		peer   ipc.Peer
		denied bool
		want   ipc.Quota
	}{
		{ipc.Peer{PID: 9, UID: 1000}, true, ipc.Quota{Conns: 100, InFlight: 1000}}, // the first that fits counts
		{ipc.Peer{PID: 1, UID: 1000, GID: 5}, false, ipc.Quota{Conns: 100, InFlight: 256, Rate: 5000.5, Burst: 10, Class: ipc.ClassNormal}},
		{ipc.Peer{PID: 1, UID: 6, GID: 5}, false, ipc.Quota{Conns: 100, InFlight: 1000}},
		{ipc.Peer{PID: 1, UID: 8}, false, ipc.Quota{Conns: 3, InFlight: 1000, Share: 0.5}},
		{ipc.Peer{PID: 1, UID: 7}, false, ipc.Quota{Conns: 100, InFlight: 1000}},
		{ipc.Peer{PID: 1, UID: 6}, true, ipc.Quota{Conns: 100, InFlight: 1000}},
	} {
		err := p.Admit(c.peer)
		if (err != nil) != c.denied || err != nil && !errors.Is(err, &ipc.StatusError{Status: ipc.StatusPermissionDenied}) {
			t.Errorf("Admit(%v) = %v, want denied: %v", c.peer, err, c.denied)
		}
		if got := p.Quota(c.peer); got != c.want {
			t.Errorf("Quota(%v) = %+v, want %+v", c.peer, got, c.want)
		}
	}
	for _, s := range []string{"*:burst=5", "", "uid", "uid=1000", "uid=x:allow", "user=1:allow", "uid=4294967296:allow", "*", "*:rate", "*:rate=0", "*:rate=NaN", "*:burst=0", "*:in-flight=-1", "*:conns=many", "*:share=0", "*:share=1.1", "*:share=NaN", "*:class=top", "*:allow=yes", "*:speed=3"} {
		if r, err := parsePeer(s); err == nil {
			t.Errorf("parsePeer(%q) = %+v, want an error", s, r)
		}
	}
}

// TestContradictions: of two terms that cannot both hold none is followed. Before, the last
// one was, and deny,allow let in whom somebody had meant to keep out.
func TestContradictions(t *testing.T) {
	for s, want := range map[string]string{
		"uid=7:deny,allow":               `"uid=7:deny,allow": deny goes with nothing else`,
		"uid=7:allow,deny":               "deny goes with nothing else",
		"*:deny,rate=5":                  "deny goes with nothing else",
		"*:rate=5,rate=6":                `"*:rate=5,rate=6": rate is given twice`,
		"*:class=low,conns=3,class=high": "class is given twice",
		"*:deny,deny":                    "deny is given twice",
	} {
		if r, err := parsePeer(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parsePeer(%q) = %+v, %v, want %s", s, r, err, want)
		}
	}
	list := []string{"workload=low", "threat=high", "workload=low"}
	if _, err := parseClasses(list); err == nil || !strings.Contains(err.Error(), "the class of workload is given twice") {
		t.Errorf("parseClasses(%q): %v", list, err)
	}
	if classes, err := parseClasses(list[:2]); err != nil || classes != [len(ipc.Kinds)]ipc.Class{ipc.ClassLow, ipc.ClassHigh} {
		t.Errorf("parseClasses(%q) = %v, %v", list[:2], classes, err)
	}
}

// A variable is there once: several classes are in one, as several upstreams are.
func TestClassesOfTheEnvironment(t *testing.T) {
	cmd := command(t, "config", "show", "--config", emptyFile(t))
	cmd.Env = append(cmd.Env, "MLBRIDGE_CLASS=workload=low,threat=high")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `class = ["workload=low", "threat=high"]`) {
		t.Errorf("%v\n%s", err, out)
	}
}
