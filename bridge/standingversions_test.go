package bridge

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// What bridges of before have saved is taken over, who is demoted included, and each record
// goes on from there: the one that was shared by both of its heirs. Of stale answers neither
// knew, they begin anew.
func TestEarlierVersionsAreTakenOver(t *testing.T) {
	want := slices.DeleteFunc(judgedBoard().all(), func(s Standing) bool { return s.Stale }) // they were saved of the same cases
	for _, version := range []int{withSharedRecords, withoutStale} {
		s := new(scoreboard)
		s.init(func(Standing) {})
		if n, err := s.restore(savedBy(t, version)); n != 3 || err != nil {
			t.Fatalf("version %d: restore() = %d, %v; want 3 models", version, n, err)
		}
		same := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
		if diff := cmp.Diff(want, s.all(), same); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
		st := &s.of(ipc.Workload).standing
		told := targetSet(1<<(2*len(targetNames[ipc.Workload-1])) - 1) // of fresh answers
		if d := st.serving.demoted; d != told || s.of(ipc.Failure).standing.serving.demoted != 0 {
			t.Errorf("version %d: who answers is another after the hand-over: demoted for %b", version, d)
		}
		longer := savedBy(t, version)
		longer[10] |= wasDoubled                         // of the first target
		binary.LittleEndian.PutUint64(longer[10+81:], 1) // as many blocks as are possible then, too
		if n, err := new(scoreboard).restore(longer); n != 0 || err == nil {
			t.Errorf("version %d: %d models from what it did not know, %v", version, n, err)
		}
		past := targetOf(ipc.Workload, 0, 0, true)
		for i := 0; !st.judge(st.serving, past, pairCase{0.1, 0.5, 1, true}); i++ {
			if i == 2000 {
				t.Fatalf("version %d: the model never came back", version)
			}
		}
		if d := st.serving.demoted; d != told&^(1<<past) {
			t.Errorf("version %d: demoted for %b, want all but cpu with past", version, d)
		}
	}
}

// savedBy is what judgedBoard was saved as in that version, by the bridge that wrote it.
func savedBy(t testing.TB, version int) []byte {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("testdata/standings-%d", version))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
