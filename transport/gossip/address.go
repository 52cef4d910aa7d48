package gossip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
)

const lookupTimeout = 2 * time.Second

// addresses sets where c listens and what it tells others. memberlist takes a host name for "every address", so
// names are resolved here.
func (o *Options) addresses(c *memberlist.Config) error {
	bind := o.Bind
	if bind == "" {
		bind = "127.0.0.1:0"
	}
	ip, port, err := resolve(bind)
	if err != nil {
		return fmt.Errorf("gossip: bind address: %w", err)
	}
	c.BindAddr, c.BindPort, c.AdvertisePort = ip.String(), port, port
	switch {
	case o.Advertise != "":
		return advertise(c, o.Advertise)
	case ip.IsUnspecified() && len(o.Seeds) > 0:
		// Without a route the library's own guess is as good.
		if host, err := AddrTowards(o.Seeds[0]); err == nil {
			c.AdvertiseAddr = host
		}
	}
	return nil
}

func advertise(c *memberlist.Config, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(addr, strconv.Itoa(c.BindPort))
	}
	ip, port, err := resolve(addr)
	if err != nil {
		return fmt.Errorf("gossip: advertised address: %w", err)
	}
	if c.BindPort == 0 && port != 0 {
		return fmt.Errorf("gossip: advertised address %q names a port: name one to bind as well", addr)
	}
	c.AdvertiseAddr, c.AdvertisePort = ip.String(), port
	return nil
}

// resolve turns "host:port" into an IP address and a port.
func resolve(addr string) (netip.Addr, int, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("%q: want host:port: %w", addr, err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("%q: port: %w", addr, err)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip, int(port), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	if err != nil {
		return netip.Addr{}, 0, fmt.Errorf("%q: %w", addr, err)
	}
	return ips[0].Unmap(), int(port), nil
}

// AddrTowards is this machine's IP address on the way to "host:port". Nothing is sent.
func AddrTowards(addr string) (string, error) {
	c, err := net.DialTimeout("udp", addr, lookupTimeout)
	if err != nil {
		return "", fmt.Errorf("gossip: find the way to %s: %w", addr, err)
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		return "", fmt.Errorf("gossip: find the way to %s: %w", addr, err)
	}
	return host, nil
}
