package local

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// common are the flags that every role gets.
func (s *Supervisor) common(role string) []string {
	return append([]string{role, "--supervised", "--cluster", s.opt.Cluster, "--secret-file", s.SecretFile()}, s.opt.Common...)
}

// natsArgs asks for the port of the time before, which the others hold.
func (s *Supervisor) natsArgs() []string {
	port := "0"
	s.mu.Lock()
	if u, err := url.Parse(s.where.NATS); err == nil && u.Port() != "" {
		port = u.Port()
	}
	s.mu.Unlock()
	return append(s.common("nats"), "--listen", net.JoinHostPort(s.opt.Bind, port))
}

func (s *Supervisor) joined(role, gossipPort string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	args := append(s.common(role), "--nats", s.where.NATS, "--gossip", net.JoinHostPort(s.opt.Bind, gossipPort))
	if s.opt.Advertise != "" {
		args = append(args, "--advertise", s.opt.Advertise)
	}
	if seed := s.seed(); seed != "" && role != "coordinator" {
		args = append(args, "--seeds", seed)
	}
	return args
}

// coordinatorArgs asks for the gossip port of the time before: it is the others' seed.
func (s *Supervisor) coordinatorArgs() []string {
	s.mu.Lock()
	port := "0"
	if _, p, err := net.SplitHostPort(s.seed()); err == nil {
		port = p
	}
	want := strconv.Itoa(s.shards)
	s.mu.Unlock()
	args := append(s.joined("coordinator", port), "--data", filepath.Join(s.dir.Dir, "coordinator"), "--want", want)
	args = append(args, s.opt.Model...)
	return append(args, s.opt.Coordinator...)
}

func (s *Supervisor) shardArgs(name string) func() []string {
	return func() []string {
		args := append(s.joined("shard", "0"), "--node", name)
		args = append(args, s.opt.Model...)
		return append(args, s.opt.Shard...)
	}
}

// routerArgs asks for the address of the time before, which clients hold.
func (s *Supervisor) routerArgs() []string {
	s.mu.Lock()
	http := s.opt.HTTP
	if s.http != "" {
		http = s.http
	}
	s.mu.Unlock()
	args := append(s.joined("router", "0"), "--http", http, "--data", filepath.Join(s.dir.Dir, "router"))
	return append(args, s.opt.Router...)
}

// seed is the coordinator's gossip address. Called with mu held.
func (s *Supervisor) seed() string {
	if len(s.where.Seeds) == 0 {
		return ""
	}
	return s.where.Seeds[0]
}

// isShard tells a shard's name from a role's.
func isShard(name string) bool { return strings.HasPrefix(name, "shard-") }
