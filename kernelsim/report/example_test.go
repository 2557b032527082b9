package report_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/load"
	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// A run from start to report: drive a target, show progress, judge, write.
func Example() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()

	pacer, err := load.ParsePacer("poisson:2000", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	sources := []string{"model", "rule"}
	o := load.Options{
		Pacer: pacer, Duration: 300 * time.Millisecond, Warmup: 50 * time.Millisecond,
		Labels: []string{"workload", "memory"}, Sources: sources,
	}

	// A target answers later, from a goroutine of its own; here, one that takes
	// calls over a bounded queue and refuses when that is full.
	queue := make(chan load.Call, 256)
	defer close(queue)
	go func() {
		for c := range queue {
			c.Done(load.Outcome{Source: int(c.N % 2)})
		}
	}()
	run, err := load.StartOpen(ctx, o, load.TargetFunc(func(c load.Call) {
		select {
		case queue <- c:
		default:
			c.Done(load.Outcome{Err: errors.New("queue full")})
		}
	}))
	if err != nil {
		fmt.Println(err)
		return
	}

	watching, watched := context.WithCancel(ctx)
	shown := make(chan error, 1)
	view := report.NewProgress(os.Stderr, false, 80, false)
	go func() {
		shown <- view.Watch(watching, 250*time.Millisecond, func() report.Status {
			return report.StatusOf(run.Snapshot(), sources)
		})
	}()
	result := run.Wait()
	watched()
	if err := <-shown; err != nil {
		fmt.Println(err)
	}

	r := report.New("an example")
	r.AddLoad(result, load.RequiredShare)
	r.Notes = append(r.Notes, "the target is a channel")
	if dir := os.Getenv("REPORT_DIR"); dir != "" {
		page, err := os.Create(dir + "/example.html")
		if err == nil {
			err = errors.Join(r.HTML(page), r.Text(os.Stderr), page.Close())
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	// The figures differ from run to run; that every call is in the books does not.
	t := r.Total
	fmt.Println("complete:", t.Calls > 0 && t.Calls == t.Answered+t.Errors+t.Dropped+t.Lost)
	// Output: complete: true
}
