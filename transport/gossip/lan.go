package gossip

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// LAN is a network in memory for members under simulation. Packets arrive at once, unless they are lost; members
// can be cut off. Make one with NewLAN and give it to the members' Options together with a Bind address such as
// "10.0.0.1:7946".
//
// Closed members still have probes in flight: a bubble must sleep for ten seconds (of its own time) before it ends.
type LAN struct {
	mu    sync.Mutex
	hosts map[string]*lanHost // by "ip:port"
	cut   map[string]bool
	loss  float64
	rand  *rand.Rand
}

// NewLAN makes a network that loses nothing; the seed decides what is lost later.
func NewLAN(seed uint64) *LAN {
	return &LAN{hosts: map[string]*lanHost{}, cut: map[string]bool{}, rand: rand.New(rand.NewPCG(seed, 1))}
}

// SetLoss is the share of packets, 0..1, that get lost. Streams lose nothing.
func (l *LAN) SetLoss(share float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loss = share
}

// Cut separates an address from all others, as when its machine dies or its cable is pulled.
func (l *LAN) Cut(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[addr] = true
}

// Heal connects an address again.
func (l *LAN) Heal(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.cut, addr)
}

// lanPackets is how many packets wait for a member; what comes beyond is lost, as in a socket's buffer.
const lanPackets = 512

// lanHost is one member's place on the network. It is memberlist's transport.
type lanHost struct {
	lan     *LAN
	addr    string
	packets chan *memberlist.Packet
	streams chan net.Conn
	down    chan struct{}
}

func (l *LAN) attach(addr string) (*lanHost, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hosts[addr] != nil {
		return nil, fmt.Errorf("gossip: %s is taken on this network", addr)
	}
	h := &lanHost{lan: l, addr: addr, packets: make(chan *memberlist.Packet, lanPackets),
		streams: make(chan net.Conn), down: make(chan struct{})}
	l.hosts[addr] = h
	return h, nil
}

// reach finds the host at to, nil when nothing gets there.
func (l *LAN) reach(from, to string) *lanHost {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut[from] || l.cut[to] {
		return nil
	}
	return l.hosts[to]
}

func (l *LAN) lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.Float64() < l.loss
}

// dial opens a stream. Its far end is handed to the host that listens there.
func (l *LAN) dial(from, to string) (net.Conn, error) {
	h := l.reach(from, to)
	if h == nil {
		return nil, fmt.Errorf("dial %s: nobody answers", to)
	}
	near, far := net.Pipe()
	timer := time.NewTimer(streamTimeout)
	defer timer.Stop()
	select {
	case h.streams <- far:
		return near, near.SetDeadline(time.Now().Add(streamTimeout))
	case <-h.down:
	case <-timer.C:
	}
	return nil, fmt.Errorf("dial %s: nobody answers", to)
}

func (h *lanHost) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	a, err := net.ResolveTCPAddr("tcp", h.addr)
	if err != nil {
		return nil, 0, fmt.Errorf("gossip: address on the network: %w", err)
	}
	return a.IP, a.Port, nil
}

func (h *lanHost) WriteTo(b []byte, addr string) (time.Time, error) {
	now := time.Now()
	to := h.lan.reach(h.addr, addr)
	if to == nil || h.lan.lost() {
		return now, nil
	}
	from, err := net.ResolveUDPAddr("udp", h.addr)
	if err != nil {
		return now, err
	}
	select {
	case to.packets <- &memberlist.Packet{Buf: append([]byte(nil), b...), From: from, Timestamp: now}:
	default:
	}
	return now, nil
}

func (h *lanHost) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return h.WriteTo(b, a.Addr)
}

func (h *lanHost) DialTimeout(addr string, _ time.Duration) (net.Conn, error) {
	return h.lan.dial(h.addr, addr)
}

func (h *lanHost) DialAddressTimeout(a memberlist.Address, _ time.Duration) (net.Conn, error) {
	return h.lan.dial(h.addr, a.Addr)
}

func (h *lanHost) PacketCh() <-chan *memberlist.Packet { return h.packets }
func (h *lanHost) StreamCh() <-chan net.Conn           { return h.streams }

// Shutdown frees the address. memberlist calls it once.
func (h *lanHost) Shutdown() error {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	delete(h.lan.hosts, h.addr)
	close(h.down)
	return nil
}
