package httpapi

import (
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestOptions(t *testing.T) {
	s := newSite(t, nil)
	for _, c := range []struct {
		query, budget string
		least, most   time.Duration // of the budget that arrives
		model         bool
		class         ipc.Class
	}{
		{"", "", time.Millisecond, time.Second, false, ipc.ClassDefault},
		{"", "1", 1, 1, false, ipc.ClassDefault},
		{"", "500000", 1, 500 * time.Microsecond, false, ipc.ClassDefault},
		{"", "60000000000", time.Second, time.Minute, false, ipc.ClassDefault},
		{"?require=model", "", 1, time.Second, true, ipc.ClassDefault},
		{"?require=model&u64=string", "1000000", 1, time.Millisecond, true, ipc.ClassDefault},
		{"?class=low", "", 1, time.Second, false, ipc.ClassLow},
		{"?class=normal&u64=integer", "", 1, time.Second, false, ipc.ClassNormal},
		{"?class=high", "", 1, time.Second, false, ipc.ClassHigh},
	} {
		for where, body := range map[string]string{path(ipc.Workload): workloadQ, path(ipc.Workload) + "/batch": `{"requests":[` + workloadQ + `]}`} {
			headers := []string{"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
			if c.budget != "" {
				headers = append(headers, "X-ML-Budget-Ns: "+c.budget)
			}
			s.fake.opts = ipc.Options{}
			got := s.post(t, where+c.query, body, headers...)
			o := s.fake.opts
			// Some of the budget is gone by then, and never so much that the default
			// would be asked for.
			if got.code != 200 || o.Budget < c.least || o.Budget > c.most || o.RequireModel != c.model || o.Class != c.class {
				t.Errorf("%s%s, budget %q: %d, options %+v, want a budget of %d-%d", where, c.query, c.budget, got.code, o, c.least, c.most)
			}
			if o.Trace != ipc.ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") {
				t.Errorf("%s%s: trace %+v", where, c.query, o.Trace)
			}
		}
	}
	for _, c := range []struct{ query, budget, says string }{
		{"", "60000000001", "not an integer 1 to 60000000000"},
		{"", "0", "not an integer"},
		{"", "-1", "not an integer"},
		{"", "1e6", "not an integer"},
		{"", "1ms", "not an integer"},
		{"", "18446744073709551616", "not an integer"},
		{"?require=rule", "", `require: \"rule\" is not model`},
		{"?u64=float", "", `u64: \"float\" is not string or integer`},
		{"?class=urgent", "", `class: \"urgent\" is not low, normal or high`},
		{"?u64=string&u64=string", "", `\"u64\" is given 2 times`},
		{"?budget=1", "", `unknown query parameter \"budget\", want require, class or u64`},
		{"?%zz", "", "cannot be read"},
		{"?a;b", "", "cannot be read"},
	} {
		var headers []string
		if c.budget != "" {
			headers = []string{"X-ML-Budget-Ns: " + c.budget}
		}
		if got := s.post(t, path(ipc.Workload)+c.query, workloadQ, headers...); got.code != 400 || !strings.Contains(got.body, c.says) {
			t.Errorf("%q, budget %q: %d %s, want 400 and %q", c.query, c.budget, got.code, got.body, c.says)
		}
	}
}
