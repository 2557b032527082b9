package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// CheckAddress says whether a flag's value can be an address to listen on, host:port, before
// anything listens there. "" is none. Names are not looked up.
func CheckAddress(flag, address string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("%s: %q is no host:port: %w", flag, address, err)
	}
	return nil
}

// CheckHosts says which of a flag's names no request can have: a Host header is compared
// without its port and the brackets of an IPv6 address.
func CheckHosts(flag string, names []string) error {
	var problems []error
	for _, name := range names {
		a, err := netip.ParseAddr(name)
		switch {
		case err == nil && !strings.EqualFold(a.String(), name):
			problems = append(problems, fmt.Errorf("%s: %q is written %s", flag, name, a))
		case err != nil && (name == "" || strings.ContainsAny(name, " \t/:*@,[]")):
			problems = append(problems, fmt.Errorf("%s: %q is no name or address of a host alone, such as node-7.example, 10.1.2.3 or fd00::1", flag, name))
		}
	}
	return errors.Join(problems...)
}
