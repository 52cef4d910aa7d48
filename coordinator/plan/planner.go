package plan

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
)

// never is later than any time.
const never = time.Duration(math.MaxInt64)

// Planner is the state machine. One goroutine owns it.
type Planner struct {
	cfg Config
	t   Timings
	now time.Duration
	out []Command

	started bool
	busLost bool
	grace   time.Duration // until then nobody is lost by probes
	wake    time.Duration

	term       uint64
	persisted  uint64
	highest    uint64        // term of anyone
	count      uint64        // epochs begun in this term
	raises     int           // of the term in a row
	raised     time.Duration // when it was raised last
	raiseAt    time.Duration // never if nothing calls for a higher term
	standDown  time.Duration
	standDowns int

	nodes      []*node            // by name, one boot of each
	ended      map[string][]ended // by node: boots that were replaced or have left
	inquiries  map[string]time.Duration
	falls      map[string]int // by node: losses in a row from an epoch, with no lasting service between them
	digest     string
	scale      int
	drained    []string
	firstHello time.Duration

	live, next *epoch
	stuck      time.Duration // since when the live lane is; never if not
	heardAll   time.Duration // when all its stages had answered since; never if they have not
	ranges     []place.Range // of the last live epoch
	lives      int           // epochs that went live

	urgent       time.Duration // when to look at the placement again; never if nothing has changed
	join         time.Duration // the same, for joins
	joins        time.Duration // first of the joins that are gathered
	force        bool          // a new epoch even on the same placement
	canaryFailed int
	reason       string // why nothing is live, or why the operator's wish is not met
}

// New makes a Planner. Its first event is Start.
func New(cfg Config) *Planner {
	p := &Planner{
		cfg: cfg, t: cfg.Timings.withDefaults(), digest: cfg.Digest,
		term: cfg.State.Term, highest: cfg.State.Term, scale: cfg.State.Scale,
		ended: map[string][]ended{}, inquiries: map[string]time.Duration{}, falls: map[string]int{},
		firstHello: never, raiseAt: never, stuck: never, heardAll: never, urgent: never, join: never, joins: never,
	}
	p.cfg.Salt &= 1<<saltBits - 1
	p.drained = slices.Compact(slices.Sorted(slices.Values(cfg.State.Drained)))
	return p
}

// Apply takes one event and appends what is to be done. now is any clock that does not go back; of one that does the
// latest time counts.
func (p *Planner) Apply(now time.Duration, ev Event, out []Command) []Command {
	before := p.now
	p.now, p.out = max(now, p.now), out
	if p.started && p.now-before > time.Second {
		p.excuse() // it was this process that did not listen
	}
	p.handle(ev)
	if _, quiet := ev.(Measured); !quiet && p.started {
		p.reconcile()
	}
	out, p.out = p.out, nil
	return out
}

// handle takes note of an event. Before Start there is no term to answer in, so nothing is taken.
func (p *Planner) handle(ev Event) {
	if _, ok := ev.(Start); !ok && !p.started {
		return
	}
	switch ev := ev.(type) {
	case Start:
		p.start()
	case Heard:
		p.heard(ev.Message)
	case Gossip:
		p.gossip(ev)
	case ProbeResult:
		p.probed(ev)
	case BusLost:
		p.loseBus()
	case BusBack:
		p.regainBus()
	case LaneStuck:
		p.laneStuck(ev.Epoch)
	case CanaryDone:
		p.canaryDone(ev)
	case Measured:
		p.measured(ev)
	case Drain:
		p.drain(ev.Node, true)
	case Undrain:
		p.drain(ev.Node, false)
	case Scale:
		p.rescale(ev.Shards)
	}
}

func (p *Planner) start() {
	if p.started {
		return
	}
	p.started = true
	p.raise()
	p.do(Announce{p.term})
}

// reconcile does whatever the state calls for. It looks at everything each time, so that no lost message and no
// order of events can leave something undone.
func (p *Planner) reconcile() {
	if !p.busLost {
		p.detect()
		p.guard()
		if p.checkTerm() {
			p.askPromises()
			p.checkStuck()
			p.checkCanary()
			p.advance()
			p.decide()
			p.releaseIdle()
		}
		p.forget()
	}
	if p.wake <= p.now {
		p.wake = p.now + p.t.Wake
		p.do(WakeAt{p.wake})
	}
}

func (p *Planner) do(c Command) { p.out = append(p.out, c) }

func (p *Planner) persist() {
	p.persisted = p.term
	p.do(Persist{State{Term: p.term, Scale: p.scale, Drained: slices.Clone(p.drained)}})
}

func (p *Planner) find(name string) *node {
	if i, ok := p.search(name); ok {
		return p.nodes[i]
	}
	return nil
}

// boot finds a node if this boot of it is the one that counts.
func (p *Planner) boot(name, boot string) *node {
	if n := p.find(name); n != nil && n.boot == boot {
		return n
	}
	return nil
}

func (p *Planner) search(name string) (int, bool) {
	return slices.BinarySearchFunc(p.nodes, name, func(n *node, s string) int { return cmp.Compare(n.name, s) })
}
