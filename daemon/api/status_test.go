package api

import (
	"errors"
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestStatusTable(t *testing.T) {
	seen := map[int]ipc.Status{}
	for _, s := range ipc.Statuses {
		code := HTTPStatus(s)
		if other, dup := seen[code]; dup {
			t.Errorf("%v and %v are both %d", s, other, code)
		}
		seen[code] = s
	}
	if got := HTTPStatus(200); got != 500 {
		t.Errorf("HTTPStatus of an unknown status = %d", got)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		status ipc.Status
		text   string
	}{
		{nil, ipc.StatusOK, ""},
		{invalidf("a"), ipc.StatusInvalidArgument, "a"},
		{internalf("b"), ipc.StatusInternal, "b"},
		{&ipc.ProtocolError{Kind: ipc.FaultType, Text: "c"}, ipc.StatusInvalidArgument, "wrong-type: c"},
		{errors.New("d"), ipc.StatusInternal, "d"},
	} {
		if s, text := ErrorStatus(c.err), ErrorText(c.err); s != c.status || text != c.text {
			t.Errorf("%v: %v %q, want %v %q", c.err, s, text, c.status, c.text)
		}
	}
	for _, text := range []string{"", "plain", "\"quoted\"\n\\ \u2028 \x01"} {
		if got := ParseError(AppendError(nil, text)); got != text {
			t.Errorf("ParseError(AppendError(%q)) = %q", text, got)
		}
	}
	for _, body := range []string{"", "null", "<html>", `{"error":1}`, `{"error":"x"`, `{"error":"x"} y`} {
		if got := ParseError([]byte(body)); got != "" {
			t.Errorf("ParseError(%q) = %q", body, got)
		}
	}
}

func TestConversions(t *testing.T) {
	for ns, text := range map[uint64]string{0: "0", 1: "0.000001", 1_500_000: "1.5", 65_031: "0.065031", 12e6: "12", math.MaxUint64: "18446744073709.551615"} {
		if got := string(appendMillis(nil, ns)); got != text {
			t.Errorf("%d ns written as %s ms, want %s", ns, got, text)
		}
	}
}

func TestContentType(t *testing.T) {
	for header, want := range map[string]Format{
		"application/json": JSON, "Application/JSON; charset=utf-8": JSON, " application/json ": JSON,
		"application/msgpack": Msgpack, "application/x-msgpack": Msgpack, "application/vnd.msgpack;v=1": Msgpack,
		"": 0, "text/plain": 0, "application/jsonp": 0, "application/json,text/plain": 0, "multipart/form-data": 0,
	} {
		got, ok := ParseContentType([]byte(header))
		if got != want || ok != (want != 0) {
			t.Errorf("ParseContentType(%q) = %v, %v", header, got, ok)
		}
	}
	for _, f := range formats {
		if got, ok := ParseContentType([]byte(f.ContentType())); got != f || !ok {
			t.Errorf("%v does not understand its own content type", f)
		}
	}
}
