package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// localhost is not looked up: it must not depend on a name server.
var localhost = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// connect opens the socket. Names other than literal addresses and localhost are
// resolved off the loop, which must never wait for a name server.
func (c *loopConn) connect() {
	if c.target.network == "unix" {
		c.open(&unix.SockaddrUnix{Name: c.target.address}, unix.AF_UNIX)
		return
	}
	host, port, _ := net.SplitHostPort(c.target.address)
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		c.fail("dial", false, err)
		return
	}
	c.port = int(number)
	if host == "localhost" {
		c.addresses = append(c.addresses[:0], localhost...)
		c.dialNext(nil)
		return
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		c.addresses = append(c.addresses[:0], ip)
		c.dialNext(nil)
		return
	}
	c.resolve(host)
}

func (c *loopConn) resolve(host string) {
	ctx, cancel := context.WithTimeout(context.Background(), c.x.Timeout)
	c.resolving = cancel
	generation := c.generation
	go func() {
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		c.loop.Post(func() {
			if c.resolving == nil || c.generation != generation {
				return // too late: the exchange is over
			}
			cancel()
			c.resolving = nil
			c.addresses = append(c.addresses[:0], ips...)
			c.dialNext(err)
		})
	}()
}

// stopDialing makes sure that nothing of an attempt to connect goes on.
func (c *loopConn) stopDialing() {
	c.addresses = c.addresses[:0]
	if c.resolving != nil {
		c.resolving()
		c.resolving = nil
	}
}

// dialNext tries the next address. When there is none, cause is why the last failed.
func (c *loopConn) dialNext(cause error) {
	if len(c.addresses) == 0 {
		if cause == nil {
			cause = errors.New("the name has no address")
		}
		c.fail("dial", false, cause)
		return
	}
	ip := c.addresses[0].Unmap()
	c.addresses = c.addresses[1:]
	if ip.Is4() {
		c.open(&unix.SockaddrInet4{Port: c.port, Addr: ip.As4()}, unix.AF_INET)
		return
	}
	c.open(&unix.SockaddrInet6{Port: c.port, Addr: ip.As16()}, unix.AF_INET6)
}

func (c *loopConn) open(addr unix.Sockaddr, family int) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.dialNext(err)
		return
	}
	if family != unix.AF_UNIX {
		// One write is one call: waiting to fill a segment would only add latency.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	err = unix.Connect(fd, addr)
	interest := eventloop.Readable
	if c.connecting = errors.Is(err, unix.EINPROGRESS); c.connecting {
		interest, err = eventloop.Writable, nil
	}
	if err == nil {
		err = c.loop.Watch(fd, interest, c)
	}
	if err != nil {
		unix.Close(fd)
		c.connecting = false
		c.dialNext(err)
		return
	}
	c.fd = fd
	if !c.connecting {
		c.write()
	}
}

func (c *loopConn) connected() {
	c.connecting = false
	code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		c.hangUp()
		c.dialNext(err)
		return
	}
	c.write()
}
