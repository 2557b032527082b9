package ipc

import (
	"fmt"
	"reflect"
	"testing"
)

// TestReuseLeaksNothing decodes every golden slot into storage that held the
// largest message before. Storage is reused on the hot path: what an earlier peer
// sent must not show through where a later one left something out.
func TestReuseLeaksNothing(t *testing.T) {
	looked := 0
	for _, v := range loadVectors(t) {
		if v.fault != "" {
			continue
		}
		fresh, err := v.decode()
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range fresh.slots {
			if s.err != nil {
				continue
			}
			used := largestRequest(s.request.Kind())
			if _, err := ParseRequest(AppendRequest(nil, s.request), used); err != nil {
				t.Fatalf("%s slot %d: %v", v.name, i, err)
			}
			var got, want description
			describeRequest(&got, "", used)
			describeRequest(&want, "", s.request)
			if got.String() != want.String() {
				t.Errorf("%s slot %d into used storage:\n%s\nwant\n%s", v.name, i, got, want)
			}
			looked++
		}
		for i := range fresh.replies {
			for _, k := range Kinds {
				used := largestReply(k)
				used.Error = "an earlier refusal"
				r := reader{b: appendReplySlot(nil, &fresh.replies[i])}
				if r.replySlot(&used, new(interner)); r.err != nil {
					t.Fatalf("%s slot %d: %v", v.name, i, r.err)
				}
				if used != fresh.replies[i] {
					t.Errorf("%s slot %d into used storage of %s:\n%+v\nwant\n%+v", v.name, i, k, used, fresh.replies[i])
				}
				again := largestReply(k).Prediction
				if used.Status != StatusOK {
					continue
				}
				if _, err := ParsePrediction(AppendPrediction(nil, &used.Prediction), used.Kind, &again); err != nil || again != used.Prediction {
					t.Errorf("%s slot %d: ParsePrediction into used storage of %s = %+v, %v", v.name, i, k, again, err)
				}
				looked++
			}
		}
	}
	if looked < 100 {
		t.Errorf("only %d slots looked at", looked)
	}
}

// TestCopiesShareNothing: a copy is equal, and none of its lists is the other's.
func TestCopiesShareNothing(t *testing.T) {
	for _, k := range Kinds {
		q := largestRequest(k)
		kept := q.Copy()
		if !reflect.DeepEqual(q, kept) {
			t.Errorf("%s: %+v is copied as %+v", k, q, kept)
		}
		from, to := reflect.ValueOf(q).Elem(), reflect.ValueOf(kept).Elem()
		for i := range from.NumField() {
			f := from.Type().Field(i)
			if f.Type.Kind() != reflect.Slice {
				continue
			}
			if from.Field(i).Len() == 0 || from.Field(i).UnsafePointer() == to.Field(i).UnsafePointer() {
				t.Errorf("%s: %s is empty, or the copy's too", k, f.Name)
			}
		}
	}
}

// TestNamesAreGoodUntilReset: names stay as they were while the storage grows, and a
// copy of a request outlives them.
func TestNamesAreGoodUntilReset(t *testing.T) {
	var names Names
	var list []*FailureRequest
	for i := range 500 {
		wire := AppendRequest(nil, &FailureRequest{Component: fmt.Sprintf("component-%d", i)})
		q := new(FailureRequest)
		if rest, err := ParseRequestIn(wire, q, &names); err != nil || len(rest) != 0 {
			t.Fatalf("%d bytes left, %v", len(rest), err)
		}
		clear(wire)
		list = append(list, q)
	}
	kept := list[0].Copy().(*FailureRequest)
	for i, q := range list {
		if want := fmt.Sprintf("component-%d", i); q.Component != want {
			t.Fatalf("component %q, want %q", q.Component, want)
		}
	}
	names.Reset()
	if _, err := ParseRequestIn(AppendRequest(nil, &FailureRequest{Component: "another-name"}), list[1], &names); err != nil || list[1].Component != "another-name" {
		t.Errorf("%q, %v", list[1].Component, err)
	}
	if kept.Component != "component-0" {
		t.Errorf("the copy is about %q", kept.Component)
	}
	if _, err := ParseRequestIn(AppendRequest(nil, &FailureRequest{}), list[2], &names); err == nil {
		t.Error("a request about nothing passed")
	}
}
