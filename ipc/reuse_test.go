package ipc

import "testing"

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
