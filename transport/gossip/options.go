package gossip

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// ErrRefused is returned when a seed is there but does not take this process for a member of its cluster.
var ErrRefused = errors.New("gossip: a seed answers, but not as a member of this cluster: is it another cluster, or is the secret another one?")

// ErrNoSeed is returned when no seed can be reached.
var ErrNoSeed = errors.New("gossip: no seed can be reached")

// Options of a member.
type Options struct {
	Node    string // name, unique in the cluster
	Boot    string // of this process start, random
	Cluster string
	Secret  []byte // shared by all members
	Meta    Meta
	// Bind is "host:port" to listen on, TCP and UDP; "" is a free port on loopback, port 0 a free port.
	Bind string
	// Advertise is "host" or "host:port" by which others reach this process; "" is the bound address, or, when every
	// address is bound, the one by which this machine reaches the first seed. A port needs one in Bind, too.
	Advertise string
	// Seeds are addresses of members, "host:port". Empty for a cluster's first.
	Seeds []string
	// Events hears of other members' changes; nil hears nothing. The caller keeps reading until Leave or Close.
	Events chan<- Event
	// Logger takes refusals and suspicions; nil logs nothing.
	Logger *slog.Logger
	// LAN is the network of a simulation; nil is the real one.
	LAN *LAN
}

// Timings, in memberlist's terms. See the package comment for what they give.
const (
	probeInterval  = 500 * time.Millisecond
	probeTimeout   = 400 * time.Millisecond
	suspicionMult  = 5
	suspicionMax   = 4
	gossipInterval = 100 * time.Millisecond
	pushPull       = 10 * time.Second
	streamTimeout  = 2 * time.Second
	lonelyRejoin   = time.Second     // between tries of the seeds when nobody is known
	steadyRejoin   = 5 * time.Second // and when somebody is
	leaveTimeout   = 3 * time.Second // where the context of Leave or SetMeta has no deadline
)

func (o *Options) check() error {
	err := errors.Join(wire.CheckName("cluster", o.Cluster), wire.CheckName("node", o.Node), wire.CheckName("boot", o.Boot))
	if err == nil && len(o.Secret) == 0 {
		err = errors.New("the cluster's secret is empty")
	}
	if err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	return nil
}

// secretKey derives the key that encrypts gossip (AES-256) from the cluster's secret, the name being the salt.
func secretKey(secret []byte, cluster string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, []byte(cluster), "stagecoach gossip key v1", 32)
	if err != nil {
		return nil, fmt.Errorf("gossip: derive key: %w", err)
	}
	return key, nil
}

// config is memberlist's configuration for g.
func (o *Options) config(g *Gossip) (*memberlist.Config, error) {
	key, err := secretKey(o.Secret, o.Cluster)
	if err != nil {
		return nil, err
	}
	c := memberlist.DefaultLANConfig()
	c.Name = memberName(o.Node, o.Boot)
	c.Label = o.Cluster
	c.SecretKey = key
	c.ProbeInterval, c.ProbeTimeout = probeInterval, probeTimeout
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = suspicionMult, suspicionMax
	c.GossipInterval, c.PushPullInterval, c.TCPTimeout = gossipInterval, pushPull, streamTimeout
	c.Logger = newBridge(g.log)
	c.Delegate, c.Events, c.Alive, c.Merge = delegate{g}, events{g}, guard{g}, guard{g}
	if err := o.addresses(c); err != nil {
		return nil, err
	}
	if o.LAN != nil {
		c.Transport, err = o.LAN.attach(net.JoinHostPort(c.BindAddr, strconv.Itoa(c.BindPort)))
	}
	return c, err
}
