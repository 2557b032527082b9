package cli

import (
	"fmt"
	"net"
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
