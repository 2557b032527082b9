package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/bench/internal/server"
	"github.com/mlbridge/mlbridge/ipc"
)

// post sends a JSON body and takes the answer's.
type post func(body []byte) (answer []byte, err error)

// jsonCaller asks in JSON over either HTTP client.
type jsonCaller struct {
	post post
	hot  bool
	from ipc.WorkloadRequest
	req  payload.Request
}

func newJSONCaller(s *Spec, p post) load.Caller {
	c := &jsonCaller{post: p, hot: s.Hot, from: *payload.New(ipc.Workload).(*ipc.WorkloadRequest)}
	payload.Fill(&c.from, payload.Hot)
	return c
}

func (c *jsonCaller) Call(i int) (unexpected int, err error) {
	if !c.hot {
		payload.Fill(&c.from, i)
	}
	payload.ToJSON(&c.from, &c.req)
	body, err := json.Marshal(&c.req)
	if err != nil {
		return 0, err
	}
	if body, err = c.post(body); err != nil {
		return 0, err
	}
	var r payload.Reply
	if err := json.Unmarshal(body, &r); err != nil {
		return 0, err
	}
	if !r.Success || r.Prediction == nil {
		return 0, fmt.Errorf("no prediction: %s", body)
	}
	return 0, nil
}

// network tells a socket's path from host:port.
func network(address string) string {
	if strings.HasPrefix(address, "/") {
		return "unix"
	}
	return "tcp"
}

// dialNetHTTP gives the connection to one caller: HTTP/1.1 has one call in flight.
func dialNetHTTP(_ context.Context, s *Spec) ([]load.Caller, error) {
	var d net.Dialer
	c := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, network(s.Address), s.Address)
		},
	}}
	url := "http://localhost" + server.Path
	return []load.Caller{newJSONCaller(s, func(body []byte) ([]byte, error) {
		r, err := c.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		defer r.Body.Close()
		answer, err := io.ReadAll(r.Body)
		if err == nil && r.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %s: %s", r.Status, answer)
		}
		return answer, err
	})}, nil
}

func dialFastHTTP(_ context.Context, s *Spec) ([]load.Caller, error) {
	c := &fasthttp.HostClient{
		Addr: "localhost",
		Dial: func(string) (net.Conn, error) { return net.Dial(network(s.Address), s.Address) },
	}
	req, resp := new(fasthttp.Request), new(fasthttp.Response)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/json")
	req.SetRequestURI("http://localhost" + server.Path)
	return []load.Caller{newJSONCaller(s, func(body []byte) ([]byte, error) {
		req.SetBodyRaw(body)
		if err := c.Do(req, resp); err != nil {
			return nil, err
		}
		if resp.StatusCode() != fasthttp.StatusOK {
			return nil, fmt.Errorf("status %d: %s", resp.StatusCode(), resp.Body())
		}
		return resp.Body(), nil
	})}, nil
}
