package tail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/ipc"
)

// Neighbour is a process that uses the daemons beside the measured client.
type Neighbour struct {
	Bridge, Daemon string // their pages, host:port; "" when nothing is asked over HTTP
	Requests       int    // predictions over HTTP a second
	Scrapes        int    // of either page's metrics a second

	Socket  string
	Clients int // that come and go there a second
}

// hands is how many goroutines share a neighbour's work, so that one slow answer does
// not lower its rate.
const hands = 8

// Live does what the neighbour does until ctx ends.
func (n Neighbour) Live(ctx context.Context) error {
	var tasks sync.WaitGroup
	failed := make(chan error, 3*hands) // each hand sends once at most
	spread := func(perSecond, among int, do func() error) {
		if perSecond == 0 {
			return
		}
		for range among {
			tasks.Go(func() {
				tick := time.NewTicker(time.Duration(among) * time.Second / time.Duration(perSecond))
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
					case <-ctx.Done():
						return
					}
					if err := do(); err != nil {
						failed <- err
						return
					}
				}
			})
		}
	}
	spread(n.Requests, hands, n.request)
	spread(n.Scrapes, 1, n.scrape)
	spread(n.Clients, hands, n.visit)
	fmt.Println("READY")
	tasks.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// client keeps a connection for each hand.
var client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * hands}}

var question = func() []byte {
	q := payload.New(ipc.Workload).(*ipc.WorkloadRequest)
	payload.Fill(q, payload.Hot)
	q.AgentID += payload.Agents // nobody the measured client asks about
	body, err := json.Marshal(map[string]any{
		"agent_id": q.AgentID, "historical_cpu": q.HistoricalCPU, "historical_memory": q.HistoricalMemory,
		"historical_gpu": q.HistoricalGPU, "time_of_day": q.TimeOfDay, "day_of_week": q.DayOfWeek,
		"current_cpu": q.CurrentCPU, "current_memory": q.CurrentMemory,
	})
	if err != nil {
		panic(err) // only numbers are in it
	}
	return body
}()

func (n Neighbour) request() error {
	r, err := client.Post("http://"+n.Bridge+"/api/ml/predict/workload", "application/json", bytes.NewReader(question))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s: %s", r.Status, answer)
	}
	return err
}

func (n Neighbour) scrape() error {
	for _, page := range []string{n.Bridge, n.Daemon} {
		if _, err := readCounters(page); err != nil {
			return err
		}
	}
	return nil
}

// visit is a client's short life.
func (n Neighbour) visit() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := ipc.Dial(ctx, n.Socket, ipc.ClientConfig{Name: "visitor"})
	if err != nil {
		return err
	}
	defer c.Close()
	q := payload.New(ipc.Workload)
	payload.Fill(q, payload.Hot)
	return c.Predict(ctx, []ipc.Request{q}, make([]ipc.Reply, 1), ipc.Options{Budget: time.Second})
}
