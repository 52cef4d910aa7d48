package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options of a local cluster.
type Options struct {
	Cluster     string
	Shards      int
	HTTP        string   // the router's address
	Bind        string   // host that NATS and gossip listen on; 127.0.0.1 unless other machines join
	Advertise   string   // host that other machines reach this one by
	Common      []string // flags that every role gets (log level, pyroscope)
	Model       []string // flags of the roles that read the model
	Coordinator []string // flags of the coordinator alone
	Shard       []string // flags of shards alone (threads)
	Router      []string // flags of the router alone (prices, keys)
	Logs        io.Writer
	Say         func(string) // progress for people
	Logger      *slog.Logger
}

// RestartPause bounds the pause before a dead child is started again; it doubles from the first to the second.
var RestartPause = [2]time.Duration{100 * time.Millisecond, 5 * time.Second}

// settled is how long a child must live for its next restart to be a quick one.
const settled = time.Minute

// Supervisor owns the children of a local cluster. Run is its only goroutine that starts and stops them; Scale
// asks it over a channel.
type Supervisor struct {
	opt   Options
	dir   *Folder
	roles sync.WaitGroup
	scale chan scaleRequest
	errs  chan error    // a role that never came up
	over  chan struct{} // closed when Run takes no orders any more
	file  sync.Mutex    // orders the writers of the cluster file; taken before mu

	mu     sync.Mutex // guards what follows; never held across I/O
	where  Cluster
	http   string                        // host:port of the router, to bind again
	shards int                           // wanted
	kept   map[string]context.CancelFunc // roles by name
	ready  map[string]bool
}

// New prepares a cluster in a folder that is held until Run has returned.
func New(f *Folder, o Options) (*Supervisor, error) {
	secret := filepath.Join(f.Dir, "secret")
	if err := MakeSecret(secret); err != nil {
		return nil, err
	}
	return &Supervisor{
		opt: o, dir: f, scale: make(chan scaleRequest), errs: make(chan error, 1), over: make(chan struct{}), shards: o.Shards,
		where: Cluster{Name: o.Cluster, PID: os.Getpid(), PIDs: map[string]int{}, Secret: secret},
		kept:  map[string]context.CancelFunc{}, ready: map[string]bool{},
	}, nil
}

// SecretFile is where the cluster's secret is.
func (s *Supervisor) SecretFile() string { return filepath.Join(s.dir.Dir, "secret") }

// Run starts the roles in order and keeps them running until ctx ends, then stops them: router first, so that
// requests end or are refused, NATS last. started is called when all have been started.
func (s *Supervisor) Run(ctx context.Context, started func(Cluster)) error {
	base, stopBase := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBase()
	defer os.Remove(filepath.Join(s.dir.Dir, clusterFile))
	defer s.stopAll()
	defer close(s.over)

	if err := s.bring(ctx, base, "nats", s.natsArgs); err != nil {
		return err
	}
	if err := s.bring(ctx, base, "coordinator", s.coordinatorArgs); err != nil {
		return err
	}
	for i := range s.opt.Shards {
		s.keep(base, shardName(i), s.shardArgs(shardName(i)), s.fail)
	}
	if err := s.bring(ctx, base, "router", s.routerArgs); err != nil {
		return err
	}
	s.mu.Lock()
	c := s.where
	c.PIDs = maps.Clone(c.PIDs)
	s.mu.Unlock()
	started(c)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.errs:
			return err
		case r := <-s.scale:
			r.done <- s.rescale(base, r)
		}
	}
}

func shardName(i int) string { return fmt.Sprintf("shard-%d", i+1) }

// bring starts a role and waits until it has said where it is.
func (s *Supervisor) bring(ctx, base context.Context, name string, args func() []string) error {
	s.keep(base, name, args, s.fail)
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.errs:
			return err
		case <-deadline.C:
			return fmt.Errorf("local: %s has not come up in 30 s: see %s", name, s.dir.LogFile())
		case <-poll.C:
			if s.isReady(name) {
				return nil
			}
		}
	}
}

func (s *Supervisor) isReady(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready[name]
}

// keep runs a role until its own context ends, starting it again whenever it dies. Where the very first start does not
// succeed and failed is not nil, it is told and the role is given up: what never worked is rather a mistake than bad luck.
func (s *Supervisor) keep(base context.Context, name string, args func() []string, failed func(error)) {
	ctx, cancel := context.WithCancel(base)
	s.mu.Lock()
	s.kept[name] = cancel
	s.mu.Unlock()
	s.roles.Go(func() {
		defer func() {
			s.mu.Lock()
			delete(s.kept, name)
			delete(s.ready, name)
			s.mu.Unlock()
		}()
		pause := RestartPause[0]
		for first := true; ctx.Err() == nil; first = false {
			lived, err := s.once(ctx, name, args())
			if err != nil && first && failed != nil {
				failed(err)
				return
			}
			if lived > settled {
				pause = RestartPause[0]
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, RestartPause[1])
		}
	})
}

// once runs a role one time. The error is of a child that never became ready.
func (s *Supervisor) once(ctx context.Context, name string, args []string) (time.Duration, error) {
	log := s.opt.Logger.With("role", name)
	c, err := start(name, args, s.dir.roles, s.opt.Logs, func(r Report) { s.heard(name, r) })
	if err != nil {
		log.Error("process not started", "err", err)
		return 0, err
	}
	log.Debug("started", "pid", c.cmd.Process.Pid)
	s.record(func(cl *Cluster) bool { cl.PIDs[name] = c.cmd.Process.Pid; return true })
	defer s.record(func(cl *Cluster) bool { delete(cl.PIDs, name); return true })
	select {
	case <-c.exited:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		c.stop(grace)
		return time.Since(c.started), nil
	}
	log.Warn("process ended, starting it again", "pid", c.cmd.Process.Pid, "reason", c.why())
	s.opt.Say(fmt.Sprintf("%s ended (%v), starting it again", name, c.why()))
	if !s.isReady(name) {
		return 0, fmt.Errorf("local: %s: %s", name, c.why())
	}
	return time.Since(c.started), nil
}

func (s *Supervisor) fail(err error) {
	select {
	case s.errs <- err:
	default:
	}
}

// heard records where a child is and passes its progress on.
func (s *Supervisor) heard(name string, r Report) {
	s.record(func(*Cluster) bool {
		if r.Ready {
			s.ready[name] = true
		}
		return s.locate(r)
	})
	if r.Text != "" {
		s.opt.Say(r.Text)
	}
}

// record changes what is known of the cluster, and the cluster file if change says that it is news. change is called
// with mu held.
func (s *Supervisor) record(change func(*Cluster) bool) {
	s.file.Lock()
	defer s.file.Unlock()
	s.mu.Lock()
	news := change(&s.where)
	b, err := json.MarshalIndent(s.where, "", "  ")
	s.mu.Unlock()
	if !news {
		return
	}
	if err == nil {
		err = replace(filepath.Join(s.dir.Dir, clusterFile), append(b, '\n'))
	}
	if err != nil {
		s.opt.Logger.Error("cluster file not written", "err", err)
	}
}

// locate notes where a child listens and tells whether that is news. Called with mu held.
func (s *Supervisor) locate(r Report) bool {
	changed := false
	set := func(field *string, value string) {
		if value != "" && *field != value {
			*field, changed = value, true
		}
	}
	set(&s.where.NATS, r.NATS)
	set(&s.http, r.HTTP)
	if r.HTTP != "" {
		scheme := "http://"
		if r.TLSCert != "" {
			scheme = "https://"
		}
		set(&s.where.HTTP, scheme+r.HTTP)
		set(&s.where.TLSCert, r.TLSCert)
		set(&s.where.Admin, r.RouterAdmin)
	}
	if r.Seed != "" && len(s.where.Seeds) == 0 {
		s.where.Seeds, changed = []string{r.Seed}, true
	}
	return changed
}

// stopAll ends the roles: router, shards, coordinator, NATS.
func (s *Supervisor) stopAll() {
	order := []func(string) bool{
		func(n string) bool { return n == "router" },
		func(n string) bool { return n != "nats" && n != "coordinator" },
		func(n string) bool { return n != "nats" },
		func(string) bool { return true },
	}
	for _, wanted := range order {
		s.stopWhere(wanted)
	}
	s.roles.Wait()
}

func (s *Supervisor) stopWhere(wanted func(string) bool) {
	s.mu.Lock()
	for name, cancel := range s.kept {
		if wanted(name) {
			cancel()
		}
	}
	s.mu.Unlock()
	for {
		s.mu.Lock()
		left := 0
		for name := range s.kept {
			if wanted(name) {
				left++
			}
		}
		s.mu.Unlock()
		if left == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
