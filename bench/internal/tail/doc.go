// Package tail measures the slowest answers at a fixed rate while something disturbs
// the machine or the servers: what is asked, what disturbs, what proves that the
// disturbance took place, and what else was going on.
//
// Beside every measurement a thread on each core sleeps to the same schedule and does
// nothing else. What befalls that thread, befalls every program: the scheduler, the
// hypervisor, interrupts. What befalls only the calls is ours.
package tail
