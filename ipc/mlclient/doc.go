// Package mlclient is the client that a kernel subsystem, or a process that plays
// one, asks for predictions. It always answers, and every answer says where it
// came from:
//
//	client := mlclient.New(mlclient.Config{Name: "scheduler"})
//	defer client.Close()
//
//	client.Lookup(question, &reply)          // never blocks, never does I/O
//	client.Predict(ctx, questions, replies, ipc.Options{Budget: time.Millisecond})
//
// Behind both are three things, in this order: a cache of the model's answers, one
// connection to the bridge, and the rules. Which of them answers is decided by
// package ladder, as in the bridge. Lookup takes what is here and queues a refresh,
// which leaves with those of other agents as one batch. Predict waits for the
// bridge, at most its budget.
//
// The bridge may be missing, slow, hung or lying: callers only see another source.
// The client reconnects by itself and never gives up. New does not wait for it: the
// first Predict may have a rule's answer. Client.WaitUp waits until it is there.
//
// Questions are the same for the cache when package cachekey says so; its table
// gives the quantum of every field. How long an answer serves follows from how much a
// subject's answers change, by package freshness, as in the bridge; hot questions are
// asked anew ahead of their expiry, and one that has just expired is answered with what
// there is and asked anew behind it. One answer is kept per kind and subject: an
// agent's new question replaces its old one, and an answer to another question
// about the same agent serves as a stale one.
//
// An answer that is given again to its question keeps the prediction id of its first delivery:
// it is one prediction, and its first outcome is the one that is scored. A stale answer to
// another question has the id 0, as a rule of the client's own: what follows now is no outcome
// of what was foretold then, and would judge the model, for everybody, by it. Who reports an
// outcome for every reply does no harm; the bridge counts the others
// (mlbridge_outcomes_unknown_total), and they change nothing. Who only looks up, and asks
// something else each time, has nothing to report: Predict now and then, or nobody knows
// whether the model is worth asking.
//
// The package writes no logs. Hooks tell of changes of state, Stats gives numbers.
package mlclient
