package anatomy

import (
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rawio"
)

// BenchmarkQuestionAppend is the client's: a new question, as a frame.
func BenchmarkQuestionAppend(b *testing.B) {
	q := payload.New(ipc.Workload)
	var buf []byte
	for i := 0; b.Loop(); i++ {
		payload.Fill(q, i%payload.Agents)
		buf = payload.AppendPredict(buf[:0], 1, payload.BudgetNs, q)
	}
}

// BenchmarkQuestionParse is the bridge's side of it, without the frame's head.
func BenchmarkQuestionParse(b *testing.B) {
	q := payload.New(ipc.Workload)
	payload.Fill(q, 7)
	frame := ipc.AppendRequest(nil, q)
	for b.Loop() {
		if _, err := ipc.ParseRequest(frame, q); err != nil {
			b.Fatal(err)
		}
	}
}

func prediction() ipc.Prediction {
	p := ipc.Prediction{Kind: ipc.Workload}
	p.Workload = ipc.WorkloadPrediction{CPU: 0.5, Memory: 5 << 30, GPU: ipc.Some(float32(0.25)), Confidence: 0.75}
	return p
}

// BenchmarkPredictionAppend is the body of the bridge's answer.
func BenchmarkPredictionAppend(b *testing.B) {
	p := prediction()
	var buf []byte
	for b.Loop() {
		buf = ipc.AppendPrediction(buf[:0], &p)
	}
}

// BenchmarkPredictionParse is the client's side of it.
func BenchmarkPredictionParse(b *testing.B) {
	p := prediction()
	body := ipc.AppendPrediction(nil, &p)
	for b.Loop() {
		if _, err := ipc.ParsePrediction(body, ipc.Workload, &p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallParse is what the daemon reads: a batch of one.
func BenchmarkCallParse(b *testing.B) {
	q := payload.New(ipc.Workload)
	payload.Fill(q, 7)
	body := api.Msgpack.AppendCall(nil, ipc.Workload, []ipc.Request{q}, true)
	call := api.Call{Kind: ipc.Workload, Batch: true}
	for b.Loop() {
		if err := api.Msgpack.ParseCall(body, &call); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAnswerAppend is what the daemon says.
func BenchmarkAnswerAppend(b *testing.B) {
	answer := api.Answer{Model: "toy@1", Latency: 2000}
	answer.Resize(1)
	answer.Slots[0] = api.Slot{Prediction: prediction()}
	var buf []byte
	for b.Loop() {
		buf = api.Msgpack.AppendAnswer(buf[:0], &answer, true)
	}
}

// BenchmarkUnix is a question and an answer through a pair of sockets: two writes and two
// reads that nobody waits for. What a call over a socket takes beyond it is waiting,
// waking and switching.
func BenchmarkUnix(b *testing.B) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	there(b, fds[0], fds[1])
}

// BenchmarkTCP is the same over TCP on the loopback.
func BenchmarkTCP(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer near.Close()
	far, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer far.Close()
	there(b, bare(b, near), bare(b, far))
}

// bare gives a descriptor of the connection that the scheduler does not know.
func bare(b *testing.B, c net.Conn) int {
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return descriptor(b, f)
}

func descriptor(b *testing.B, f *os.File) int {
	fd := int(f.Fd()) // makes it blocking
	if err := unix.SetNonblock(fd, true); err != nil {
		b.Fatal(err)
	}
	return fd
}

func there(b *testing.B, near, far int) {
	question, answer := payload.Frames(1, true), make([]byte, payload.ReplyBytes)
	in := make([]byte, 4096)
	transfer := func(from, to int, p []byte) {
		if n, err := rawio.Write(from, p); n != len(p) || err != nil {
			b.Fatal(n, err)
		}
		n, err := rawio.Read(to, in)
		for err == unix.EAGAIN { // the loopback's interrupt has not run yet
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(to), Events: unix.POLLIN}}, 1000)
			n, err = rawio.Read(to, in)
		}
		if n != len(p) || err != nil {
			b.Fatal(n, err)
		}
	}
	for b.Loop() {
		transfer(near, far, question)
		transfer(far, near, answer)
	}
}
