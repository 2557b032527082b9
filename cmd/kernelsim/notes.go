package main

import "fmt"

// notes say how the subsystems' figures came about.
func (r *runCommand) notes() []string {
	out := []string{
		fmt.Sprintf("Sources: workload %s; failure %s; memory %s; threat %s. Live is this host's /proc, trace are recordings of programs, synthetic is made up by a seeded generator, and so is shift, whose behaviour changes half-way.",
			r.Workload, r.Failure, r.Memory, r.Threat),
		"The subsystems' actions are simulated and change nothing on this host. The same input drives a second set of subsystems by the rule alone; recordings do not react to either.",
		"Intervals are 95 % block bootstrap (blocks of 20 consecutive outcomes of an agent): there are fewer than 20 independent programs or hosts, so they say nothing about others.",
		"Subsystems insist on the model and apply confidence thresholds of their own; where no model answered in time, or not surely enough, the rule decided.",
		"The recorded hostile programs are harmless simulations: they show the path from calls to verdict and do not measure detection.",
	}
	return out
}

// notes say how the latencies came about.
func (p *pace) notes() []string {
	var out []string
	if p.Client == "ml" {
		out = append(out, "Load goes through the kernel side's client: an answer of its cache or its rule inside the budget is an answer, and counted by source. --client wire measures the bridge alone. Below the subsystems' confidence thresholds it prefers the rule, as they do.")
	} else {
		out = append(out, "Load goes straight over the wire: every answer is the bridge's.")
	}
	out = append(out, "Each call is given what is left of the budget since its intended start, less a fifth for waking the caller.")
	out = append(out, "The load asks questions that the subsystems asked before, again and in turn.")
	if smallHost() {
		out = append(out, "With two processors or fewer the load generator, the bridge and the daemon wait for each other; latencies include that.")
	}
	return out
}
