package ipc

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// messagesOfPeers are the payloads of the good vectors that name subjects.
func messagesOfPeers(t testing.TB) map[string][]byte {
	out := make(map[string][]byte)
	for _, v := range loadVectors(t) {
		if payload, err := v.payload(); err == nil && v.fault == "" && !v.fromServer && (IsPredict(payload) || IsOutcome(payload)) {
			out[v.name] = payload
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d vectors name subjects", len(out))
	}
	return out
}

// mappable reports whether every slot and outcome is of a kind that is known.
func mappable(t testing.TB, payload []byte) bool {
	_, err := MapSubjects(nil, payload, keep)
	if err != nil && !errors.Is(err, &ProtocolError{}) {
		t.Fatalf("MapSubjects = %v, want a ProtocolError", err)
	}
	return err == nil
}

func keep(_ Kind, s Subject) Subject { return s }

func other(kind Kind, s Subject) Subject {
	switch {
	case kind == Failure && s.Component == "":
		return s // stays impossible
	case kind == Failure:
		return Subject{Component: "another-" + s.Component[:min(len(s.Component), 40)]}
	}
	return Subject{Agent: ^s.Agent}
}

// Everything but subjects and trace stays: the values that a message decodes to tell.
func TestMapSubjects(t *testing.T) {
	mapped := 0
	for name, payload := range messagesOfPeers(t) {
		if !mappable(t, payload) {
			continue
		}
		before, err := decodeEnvelope(payload, false)
		if err != nil {
			t.Fatal(err)
		}
		out, err := MapSubjects([]byte("x"), payload, other)
		if err != nil || out[0] != 'x' {
			t.Fatalf("%s: MapSubjects = %q, %v", name, out, err)
		}
		after, err := decodeEnvelope(out[1:], false)
		if err != nil {
			t.Errorf("%s: after mapping: %v", name, err)
			continue
		}
		if after.trace.Valid() {
			t.Errorf("%s: there is still a trace", name)
		}
		before.trace = Trace{}
		was, is := before.describe(), after.describe()
		if len(was) != len(is) {
			t.Errorf("%s: %d values, want %d", name, len(is), len(was))
			continue
		}
		for i := range was {
			key := was[i].key[strings.LastIndexByte(was[i].key, '.')+1:]
			subject := (key == "subject" || key == "agent_id" || key == "component") && was[i].value != ""
			if same := sameValue(was[i].value, is[i].value); same == subject {
				t.Errorf("%s: %s was %v and is %v", name, was[i].key, was[i].value, is[i].value)
			} else if subject {
				mapped++
			}
		}
	}
	if mapped < 10 {
		t.Errorf("only %d subjects were mapped", mapped)
	}
}

func sameValue(a, b any) bool {
	return description{{"", a}}.String() == description{{"", b}}.String()
}

// A message that is cut is an error, and gives nothing.
func TestMapSubjectsOfPrefixes(t *testing.T) {
	for name, payload := range messagesOfPeers(t) {
		for n := range payload {
			if out, err := MapSubjects(nil, payload[:n], keep); err == nil || len(out) != 0 {
				t.Errorf("%s: MapSubjects of %d bytes of %d = %x, %v", name, n, len(payload), out, err)
			}
		}
	}
}

// What the transcript reads is what server and client read.
func TestTranscriptReadsVectors(t *testing.T) {
	for _, v := range loadVectors(t) {
		payload, err := v.payload()
		if err != nil || v.fault == FaultTooLong {
			continue // a server may take more than the default
		}
		switch {
		case IsPredict(payload) && !v.fromServer:
			m, err := ParsePredict(payload)
			if (err == nil) != (v.fault == "") {
				t.Errorf("%s: ParsePredict: %v, want %q", v.name, err, v.fault)
			} else if e, _ := v.decode(); err == nil {
				if m.ID != e.call.id || m.Budget != e.call.budget || m.RequireModel != e.requireModel || m.Class != e.class || len(m.Requests) != len(e.slots) {
					t.Errorf("%s: ParsePredict = %+v, want %+v", v.name, m, e)
					continue
				}
				for i, s := range e.slots {
					if (m.Requests[i] == nil) != (s.err != nil) || s.err == nil && !bytes.Equal(m.Requests[i].append(nil), s.request.append(nil)) {
						t.Errorf("%s: slot %d is %+v, want %+v", v.name, i, m.Requests[i], s)
					}
				}
			}
		case IsReply(payload) && v.fromServer:
			m, err := ParseReply(payload)
			if (err == nil) != (v.fault == "") {
				t.Errorf("%s: ParseReply: %v, want %q", v.name, err, v.fault)
			} else if e, _ := v.decode(); err == nil && (m.Refused == nil) != (e.kind == msgReply) {
				t.Errorf("%s: ParseReply = %+v", v.name, m)
			} else if err == nil && m.Refused == nil && len(m.Replies) != len(e.replies) {
				t.Errorf("%s: ParseReply gives %d slots, want %d", v.name, len(m.Replies), len(e.replies))
			}
		}
	}
}

func FuzzMapSubjects(f *testing.F) {
	for _, payload := range messagesOfPeers(f) {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		original := bytes.Clone(payload)
		out, err := MapSubjects(nil, payload, other)
		if !bytes.Equal(payload, original) {
			t.Fatal("mapping changed the message")
		}
		if err != nil {
			if !errors.Is(err, &ProtocolError{}) || len(out) != 0 {
				t.Fatalf("MapSubjects = %x, %v; want nothing and a ProtocolError", out, err)
			}
			return
		}
		if !IsPredict(payload) {
			return
		}
		was, err := ParsePredict(payload)
		is, err2 := ParsePredict(out)
		if (err == nil) != (err2 == nil) || err == nil && (was.ID != is.ID || len(was.Requests) != len(is.Requests)) {
			t.Fatalf("ParsePredict = %+v, %v before and %+v, %v after", was, err, is, err2)
		}
	})
}
