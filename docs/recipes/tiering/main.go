// Command tiering shows what a memory manager with a small fast tier gains by asking
// where an agent goes next. It reads a trace of page accesses, keeps the pages in the
// fast tier that were used last, once without and once with moving the predicted next
// page there ahead of time, and compares the hits.
//
// A line of the trace is "agent address" or "agent address r|w|x", the address in hex;
// perf writes one with
//
//	perf record -e page-faults -d -c 1 COMMAND
//	perf script -F pid,addr | go run ./docs/recipes/tiering
//
// The recorded traces of testdata/traces, "at_ns,agent,addr,type,major" after lines that
// begin with #, are read too:
//
//	zcat testdata/traces/memory-sort.csv.gz | go run ./docs/recipes/tiering
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tiering:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	f := flag.NewFlagSet("tiering", flag.ExitOnError)
	socket := f.String("socket", "", "the bridge's socket; found by itself when empty")
	pages := f.Int("pages", 64, "pages that the fast tier holds")
	atLeast := f.Float64("confidence", 0.3, "move a page ahead when it is this likely")
	wait := f.Duration("wait", time.Second, "wait this long for the bridge before the first question: a trace is read sooner than a connection is made")
	if err := f.Parse(args); err != nil {
		return err
	}
	client := mlclient.New(mlclient.Config{Path: *socket, Name: "tiering"})
	defer client.Close()
	if *wait > 0 {
		up, cancel := context.WithTimeout(ctx, *wait)
		defer cancel()
		_ = client.WaitUp(up) // the rules answer without
	}
	plain, ahead := newTier(*pages), newTier(*pages)
	agents := make(map[uint64]*agent)
	sources := make(map[ipc.Source]int)
	var replies [1]ipc.Reply
	lines := bufio.NewScanner(in)
	for number := 1; lines.Scan() && ctx.Err() == nil; number++ {
		if text := lines.Text(); strings.TrimSpace(text) == "" || text[0] == '#' || text == recorded {
			continue
		}
		id, address, kind, err := parse(lines.Text())
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		plain.use(page(address))
		ahead.use(page(address))
		a := agents[id]
		if a == nil {
			a = &agent{id: id}
			agents[id] = a
		}
		a.report(ctx, client, address, kind)
		q := a.question(address, kind, uint64(time.Now().UnixNano()))
		if err := client.Predict(ctx, []ipc.Request{q}, replies[:], ipc.Options{Budget: time.Millisecond}); err != nil {
			return err
		}
		r := &replies[0]
		sources[r.Source]++
		a.asked = r.PredictionID
		if r.Memory.Probability >= float32(*atLeast) {
			ahead.bring(page(r.Memory.NextAddress))
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%-28s %s\n%-28s %s\n", "used last", plain, "used last and predicted next", ahead)
	fmt.Fprintf(out, "moved ahead %d pages, of which %d were used there\n", ahead.brought, ahead.useful)
	for _, s := range ipc.Sources {
		if sources[s] > 0 {
			fmt.Fprintf(out, "%d answers from the %v\n", sources[s], s)
		}
	}
	return nil
}

// page is the number of an address' page of 4 KiB.
func page(address uint64) uint64 { return address >> 12 }

// recorded is the head of a recorded trace's columns.
const recorded = "at_ns,agent,addr,type,major"

func parse(line string) (agent, address uint64, kind uint8, err error) {
	fields, base := strings.Fields(line), 16
	if columns := strings.Split(line, ","); len(columns) == 5 {
		fields, base = columns[1:4], 10
	}
	if len(fields) < 2 || len(fields) > 3 {
		return 0, 0, 0, fmt.Errorf("%.60q is not \"agent address [r|w|x]\"", line)
	}
	if agent, err = strconv.ParseUint(fields[0], 10, 64); err != nil {
		return 0, 0, 0, err
	}
	if address, err = strconv.ParseUint(strings.TrimPrefix(fields[1], "0x"), base, 64); err != nil {
		return 0, 0, 0, err
	}
	if len(fields) == 3 {
		kind = uint8(max(strings.Index("rwx", fields[2]), 0)) // AccessRead, AccessWrite, AccessExecute
	}
	return agent, address, kind, nil
}
