package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/ipc"
)

// peerRule is one --peer: whom it is about and what they may take. The first that fits
// a peer counts.
type peerRule struct {
	field string // "uid", "gid", "pid" or "*"
	id    uint64
	deny  bool
	quota ipc.Quota
}

// parsePeer reads "uid=1000:rate=5000,in-flight=256,conns=64,class=normal", "gid=7:deny"
// or "*:class=low".
func parsePeer(s string) (r peerRule, err error) {
	whom, terms, _ := strings.Cut(s, ":")
	if r.field = whom; whom != "*" {
		field, id, ok := strings.Cut(whom, "=")
		if r.field = field; !ok || field != "uid" && field != "gid" && field != "pid" {
			return r, fmt.Errorf("%q is not uid=N, gid=N, pid=N or *", whom)
		}
		if r.id, err = strconv.ParseUint(id, 10, 32); err != nil {
			return r, fmt.Errorf("%q: %q is no number below 2^32", whom, id)
		}
	}
	if terms == "" {
		return r, fmt.Errorf("%q says nothing about them: want :allow, :deny or limits", s)
	}
	var names []string
	for term := range strings.SplitSeq(terms, ",") {
		if err := r.term(term); err != nil {
			return r, err
		}
		name, _, _ := strings.Cut(term, "=")
		if slices.Contains(names, name) {
			return r, fmt.Errorf("%q: %s is given twice", s, name)
		}
		names = append(names, name)
	}
	if len(names) > 1 && slices.Contains(names, "deny") {
		return r, fmt.Errorf("%q: deny goes with nothing else", s)
	}
	if r.quota.Burst > 0 && r.quota.Rate == 0 {
		return r, fmt.Errorf("%q: burst= without rate= limits nothing", s)
	}
	return r, nil
}

// term reads one of a rule's terms.
func (r *peerRule) term(term string) (err error) {
	name, value, _ := strings.Cut(term, "=")
	count := func(v *int) error {
		if *v, err = strconv.Atoi(value); err != nil || *v < 1 {
			return fmt.Errorf("%q: want a whole number of at least 1", term)
		}
		return nil
	}
	switch name {
	case "allow", "deny":
		if r.deny = name == "deny"; value != "" {
			return fmt.Errorf("%q takes no value", name)
		}
		return nil
	case "rate":
		if r.quota.Rate, err = strconv.ParseFloat(value, 64); err != nil || !(r.quota.Rate > 0 && r.quota.Rate <= 1e9) {
			return fmt.Errorf("%q: want questions a second, above 0 and at most 10^9", term)
		}
		return nil
	case "share":
		if r.quota.Share, err = strconv.ParseFloat(value, 64); err != nil || !(r.quota.Share > 0 && r.quota.Share <= 1) {
			return fmt.Errorf("%q: want a share of the bridge's time, above 0 and at most 1", term)
		}
		return nil
	case "burst":
		return count(&r.quota.Burst)
	case "in-flight":
		return count(&r.quota.InFlight)
	case "conns":
		return count(&r.quota.Conns)
	case "class":
		r.quota.Class, err = ipc.ParseClass(value)
		return err
	}
	return fmt.Errorf("%q is not allow, deny, rate=, burst=, in-flight=, conns=, share= or class=", term)
}

func (r *peerRule) fits(p ipc.Peer) bool {
	switch r.field {
	case "uid":
		return uint64(p.UID) == r.id
	case "gid":
		return uint64(p.GID) == r.id
	case "pid":
		return uint64(p.PID) == r.id
	}
	return true
}

// peerRules are all of them, and what counts where none fits.
type peerRules struct {
	rules []peerRule
	admit func(ipc.Peer) error // nil: whoever the socket's mode lets in
	quota ipc.Quota
}

func (p *peerRules) of(peer ipc.Peer) *peerRule {
	for i := range p.rules {
		if p.rules[i].fits(peer) {
			return &p.rules[i]
		}
	}
	return nil
}

// Admit says whether a peer may connect. A rule lets in whom the socket's mode does.
func (p *peerRules) Admit(peer ipc.Peer) error {
	switch r := p.of(peer); {
	case r != nil && r.deny:
		return &ipc.StatusError{Status: ipc.StatusPermissionDenied, Text: fmt.Sprintf("%v is not admitted", peer)}
	case r == nil && p.admit != nil:
		return p.admit(peer)
	}
	return nil
}

// Quota says what it may take. What a rule leaves open is as for everybody.
func (p *peerRules) Quota(peer ipc.Peer) ipc.Quota {
	r := p.of(peer)
	if r == nil {
		return p.quota
	}
	q := r.quota
	if q.Conns == 0 {
		q.Conns = p.quota.Conns
	}
	if q.InFlight == 0 {
		q.InFlight = p.quota.InFlight
	}
	return q
}

// parseClasses reads --class: "KIND=CLASS" each.
func parseClasses(list []string) (classes [len(ipc.Kinds)]ipc.Class, err error) {
	for _, s := range list {
		kind, class, _ := strings.Cut(s, "=")
		found := false
		for i, k := range ipc.Kinds {
			if k.String() != kind {
				continue
			}
			if found = true; classes[i] != ipc.ClassDefault {
				return classes, fmt.Errorf("%q: the class of %s is given twice", s, kind)
			}
			if classes[i], err = ipc.ParseClass(class); err != nil {
				return classes, err
			}
		}
		if !found {
			return classes, fmt.Errorf("%q is not workload, threat, failure or memory, = and a class", s)
		}
	}
	return classes, nil
}
