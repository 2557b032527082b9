package ipc

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmihailenco/msgpack/v5"
)

// msgpack/v5 is the oracle: what we write it reads to the same values, and what it
// writes, in its longest and its shortest forms, we read to the same values.
//
// Its compact floats are left out because they write -0.0 as the integer 0; the
// vectors cover integers in the place of floats.

const oracleRounds = 100

// An empty list and an absent one mean the same.
var mirrored = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.AllowUnexported(
		workloadCPUPast{}, workloadMemoryPast{}, workloadGPUPast{}, threatFeatures{}, threatCounts{},
		memoryCandidates{}, memoryChances{}, failureRates{}, memoryMore{}, predictFlags{}, replySlotRuled{},
	),
}

// libraryForms gives v in both styles of the library.
func libraryForms(t *testing.T, v any) map[string][]byte {
	t.Helper()
	forms := map[string][]byte{}
	for name, compact := range map[string]bool{"fixed width": false, "compact": true} {
		var b bytes.Buffer
		e := msgpack.NewEncoder(&b)
		e.UseArrayEncodedStructs(true)
		e.UseCompactInts(compact)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		forms[name] = b.Bytes()
	}
	return forms
}

func TestOracleRequests(t *testing.T) {
	a := newArbitrary()
	for range oracleRounds {
		for _, k := range Kinds {
			q := a.request(k)
			want, got := mirrorRequest(q)
			ours := AppendRequest(nil, q)
			if err := msgpack.Unmarshal(ours, got); err != nil {
				t.Fatalf("the library cannot read %s % x: %v", k, ours, err)
			}
			if diff := cmp.Diff(want, got, mirrored); diff != "" {
				t.Fatalf("the library reads another %s (-ours +its):\n%s", k, diff)
			}
			for form, theirs := range libraryForms(t, want) {
				back := NewRequest(k)
				rest, err := ParseRequest(theirs, back)
				if err != nil || len(rest) != 0 {
					t.Fatalf("we cannot read the library's %s %s % x: %v, %d rest", form, k, theirs, err, len(rest))
				}
				if again := AppendRequest(nil, back); !bytes.Equal(again, ours) {
					t.Fatalf("we read another %s from the library's %s:\n% x, want\n% x", k, form, again, ours)
				}
			}
		}
	}
}

func TestOraclePredictions(t *testing.T) {
	a := newArbitrary()
	for range oracleRounds {
		for _, k := range Kinds {
			p := a.reply(k).Prediction
			want, got := mirrorPrediction(&p)
			ours := AppendPrediction(nil, &p)
			if err := msgpack.Unmarshal(ours, got); err != nil {
				t.Fatalf("the library cannot read %s % x: %v", k, ours, err)
			}
			if diff := cmp.Diff(want, got, mirrored); diff != "" {
				t.Fatalf("the library reads another %s (-ours +its):\n%s", k, diff)
			}
			for form, theirs := range libraryForms(t, want) {
				var back Prediction
				rest, err := ParsePrediction(theirs, k, &back)
				if err != nil || len(rest) != 0 {
					t.Fatalf("we cannot read the library's %s %s % x: %v, %d rest", form, k, theirs, err, len(rest))
				}
				if again := AppendPrediction(nil, &back); !bytes.Equal(again, ours) {
					t.Fatalf("we read another %s from the library's %s:\n% x, want\n% x", k, form, again, ours)
				}
			}
		}
	}
}

// TestOraclePredict exchanges whole predict messages of mixed kinds.
func TestOraclePredict(t *testing.T) {
	a := newArbitrary()
	for i := range oracleRounds {
		m := &envelope{kind: msgPredict, requireModel: i%2 == 0, class: Class(i / 2 % 4)}
		m.call = predictHead{id: a.u64() | 1, budget: 1e6, slots: 1 + a.IntN(20)}
		want := predictMirror{Type: uint16(msgPredict), ID: m.call.id, Budget: pointer(Some(int64(1e6)))}
		for range m.call.slots {
			q := a.request(Kinds[a.IntN(len(Kinds))])
			m.slots = append(m.slots, slotResult{request: q})
			want.Slots = append(want.Slots, slotMirror{Kind: uint16(q.Kind()), Request: AppendRequest(nil, q)})
		}
		ours := m.append(nil)
		var wanted, got any = &want, new(predictMirror)
		if opts := (Options{RequireModel: m.requireModel, Class: m.class}); opts.flags() != 0 {
			wanted, got = &predictFlags{want, opts.flags()}, new(predictFlags)
		}
		if err := msgpack.Unmarshal(ours, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, got, mirrored); diff != "" {
			t.Fatalf("the library reads another predict (-ours +its):\n%s", diff)
		}
		readBack(t, libraryForms(t, wanted), ours, false)
	}
}

// TestOracleReply exchanges whole reply messages.
func TestOracleReply(t *testing.T) {
	a := newArbitrary()
	for range oracleRounds {
		m := &envelope{kind: msgReply, fromServer: true, replyID: a.u64()}
		want := replyMirror[any]{Type: uint16(msgReply), ID: m.replyID}
		for range 1 + a.IntN(20) {
			p := a.reply(Kinds[a.IntN(len(Kinds))])
			m.replies = append(m.replies, p)
			slot := replySlotMirror{
				Kind: uint16(p.Kind), PredictionID: p.PredictionID, Source: uint16(p.Source), Reason: uint16(p.Reason),
				Age: int64(p.Age), Model: p.Model, Prediction: AppendPrediction(nil, &p.Prediction),
			}
			if p.Ruled != 0 {
				want.Slots = append(want.Slots, &replySlotRuled{slot, uint16(p.Ruled)})
			} else {
				want.Slots = append(want.Slots, &slot)
			}
		}
		ours := m.append(nil)
		var read replyMirror[msgpack.RawMessage]
		if err := msgpack.Unmarshal(ours, &read); err != nil {
			t.Fatal(err)
		}
		got := replyMirror[any]{Type: read.Type, ID: read.ID}
		for i, slot := range read.Slots {
			var to any = new(replySlotMirror)
			if m.replies[i].Ruled != 0 {
				to = new(replySlotRuled)
			}
			if err := msgpack.Unmarshal(slot, to); err != nil {
				t.Fatal(err)
			}
			got.Slots = append(got.Slots, to)
		}
		if diff := cmp.Diff(want, got, mirrored); diff != "" {
			t.Fatalf("the library reads another reply (-ours +its):\n%s", diff)
		}
		readBack(t, libraryForms(t, &want), ours, true)
	}
}

// readBack decodes the library's forms of a message and compares what we make of
// them with our own encoding.
func readBack(t *testing.T, forms map[string][]byte, ours []byte, fromServer bool) {
	t.Helper()
	for form, theirs := range forms {
		back, err := decodeEnvelope(theirs, fromServer)
		if err != nil {
			t.Fatalf("we cannot read the library's %s % x: %v", form, theirs, err)
		}
		if again := back.append(nil); !bytes.Equal(again, ours) {
			t.Fatalf("we read another message from the library's %s:\n% x, want\n% x", form, again, ours)
		}
	}
}
