package translate

import "github.com/mlbridge/mlbridge/ipc"

// observable are the members of "actual" whose absence means that nobody measured, or
// knows: there is no null for it. What else may be left out is nothing where it is not there.
var observable = [...][]struct {
	name   string
	target ipc.Targets
}{
	ipc.Workload: {{"predicted_cpu", ipc.TargetCPU}, {"predicted_memory", ipc.TargetMemory}},
	ipc.Threat:   {{"threat_type", ipc.TargetThreatType}},
	ipc.Failure:  {{"failure_type", ipc.TargetFailureType}},
	ipc.Memory:   {{"access_type", ipc.TargetAccessType}},
}

// unless says when a member is not written: where the outcome that it is part of says that
// nobody measured it.
func unless[T any](target ipc.Targets) func(*writer, *T) bool {
	return func(w *writer, _ *T) bool { return w.unobserved.Has(target) }
}

// actual reads the object of what happened, of a report whose kind is known.
func (s *scanner) actual(k ipc.Kind, o *ipc.Outcome) {
	o.Actual, o.Unobserved = ipc.Prediction{Kind: k}, 0
	if s.peek() == '{' {
		for _, member := range observable[k] {
			if !s.has(member.name) {
				o.Unobserved |= member.target
			}
		}
	}
	switch k {
	case ipc.Workload:
		read(s, workloadPrediction, &o.Actual.Workload)
		if s.err == nil && o.Unobserved.Has(ipc.TargetCPU|ipc.TargetMemory) && !o.Actual.Workload.GPU.Valid {
			s.fail("nothing was observed")
		}
	case ipc.Threat:
		read(s, threatPrediction, &o.Actual.Threat)
	case ipc.Failure:
		read(s, failurePrediction, &o.Actual.Failure)
	case ipc.Memory:
		s.lookAtAddressForm()
		read(s, memoryPrediction, &o.Actual.Memory)
	}
}

// happened writes it.
func (w *writer) happened(o *ipc.Outcome) {
	w.unobserved = o.Unobserved
	w.open('{')
	w.prediction(&o.Actual)
	w.close('}')
	w.unobserved = 0
}
