package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// daemon is a mld that has one worker, which takes a fixed time for every question and
// no processor: a model on another machine, say. What it says are the rules' words.
type daemon struct {
	service time.Duration

	mu   sync.Mutex
	free time.Duration // guarded by mu: when the worker has done all that came
}

// serveDaemon answers on a Unix socket until ctx ends.
func serveDaemon(ctx context.Context, path string, service time.Duration) error {
	ln, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: &daemon{service: service}}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println("READY", path)
	if err := server.Serve(ln); ctx.Err() == nil {
		return err
	}
	return nil
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	format, ok := api.ParseContentType([]byte(r.Header.Get("Content-Type")))
	body, err := io.ReadAll(r.Body)
	kind := ipc.Kind(0)
	for _, k := range ipc.Kinds {
		if r.URL.Path == api.PredictPath(k, true) {
			kind = k
		}
	}
	call := api.Call{Kind: kind, Batch: true}
	if err == nil && ok && kind != 0 {
		err = format.ParseCall(body, &call)
	}
	if err != nil || !ok || kind == 0 {
		http.Error(w, "bad call", http.StatusBadRequest)
		return
	}
	d.work(len(call.Requests))
	answer := api.Answer{Model: "slow@1"}
	answer.Resize(len(call.Requests))
	for i, q := range call.Requests {
		answer.Slots[i] = api.Slot{}
		rules.Predict(q, &answer.Slots[i].Prediction)
	}
	w.Header().Set("Content-Type", format.ContentType())
	_, _ = w.Write(format.AppendAnswer(nil, &answer, true))
}

// work takes the time of n questions, after those that came before: a worker that always
// has something to do loses nothing between them, however late this machine wakes anybody.
// Go's own sleep is up to a millisecond late.
func (d *daemon) work(n int) {
	d.mu.Lock()
	d.free = max(d.free, now()) + time.Duration(n)*d.service
	t := unix.NsecToTimespec(int64(d.free))
	d.mu.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil) == unix.EINTR {
	}
}
