package main

import (
	"strings"
	"testing"
)

func TestTellSteal(t *testing.T) {
	from := cpuTime{all: 100, idle: 50, stolen: 1}
	for _, c := range []struct {
		to   cpuTime
		want string
	}{
		{cpuTime{all: 200, idle: 90, stolen: 21}, "60 % busy, of which 20.0 % went to other machines"},
		{cpuTime{all: 200, idle: 125, stolen: 1}, "25 % busy, everything that runs here"},
	} {
		if got := tellSteal(from, c.to); !strings.Contains(got, c.want) {
			t.Errorf("tellSteal(%+v, %+v) = %q, want %q in it", from, c.to, got, c.want)
		}
	}
	if got := tellSteal(from, from); got != "" {
		t.Errorf("no time passed: %q", got)
	}
}

func TestHostTimeOfThisMachine(t *testing.T) {
	now, ok := hostTime("/proc")
	if !ok || now.all <= 0 || now.idle > now.all {
		t.Errorf("hostTime = %+v, %v", now, ok)
	}
	if _, ok := hostTime(t.TempDir()); ok {
		t.Error("an empty folder was read as /proc")
	}
}
