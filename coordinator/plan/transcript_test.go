package plan

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// A transcript's lines that begin with "> " are events, what follows is what the Planner did. Epochs are written as
// term.n. Besides the events there are:
//
//	config key=value ...   want, digest, layers, scale, term, drained; must be first
//	wait DURATION          ticks; shards that are alive beat
//	alive NODE BOOT        from now on it beats and answers orders as soon as they come
//	dumb NODE              it beats, but answers nothing
//	dead NODE              neither
//	quiet KIND ...         commands of this kind are not written (send, log)
//	status, propose N      what the operator sees
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(want))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs (rewrite it with -update and read the change):\n%s", file, firstDifference(string(got), string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(g), len(w)) && g[i] == w[i] {
		i++
	}
	show := func(lines []string) string {
		return strings.Join(lines[max(0, min(i-2, len(lines))):min(i+6, len(lines))], "\n")
	}
	return fmt.Sprintf("line %d\ngot\n%s\nwant\n%s", i+1, show(g), show(w))
}

func replay(t *testing.T, text string) []byte {
	s := &script{t: t, shards: map[string]*scripted{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
			fmt.Fprintln(&s.out, line)
		case strings.HasPrefix(line, "> "):
			fmt.Fprintf(&s.out, "\n%s\n", line)
			s.do(strings.Fields(line[2:]))
		}
	}
	return s.out.Bytes()
}

type script struct {
	t      *testing.T
	p      *Planner
	now    time.Duration
	out    bytes.Buffer
	shards map[string]*scripted
	quiet  []string
}

// scripted is a shard that the transcript keeps alive.
type scripted struct {
	boot     string
	dumb     bool
	promised uint64
	epoch    uint64
}

func (s *script) do(f []string) {
	arg := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	rest := func(i int) string { return strings.Join(f[min(i, len(f)):], " ") }
	switch f[0] {
	case "config":
		s.config(f[1:])
	case "start":
		s.apply(Start{})
	case "wait":
		s.wait(arg(1))
	case "alive":
		s.shards[f[1]] = &scripted{boot: f[2]}
	case "dumb":
		s.shards[f[1]].dumb = true
	case "dead":
		delete(s.shards, f[1])
	case "quiet":
		s.quiet = f[1:]
	case "hello":
		s.apply(Heard{wire.NodeMessage{Hello: s.hello(f[1:])}})
	case "beat":
		s.apply(Heard{wire.NodeMessage{Beat: &wire.Beat{Node: f[1], Boot: f[2], Epoch: s.epoch(arg(3)), Promised: s.epoch(arg(3)) >> 32, Layer: -1}}})
	case "promised":
		s.apply(Heard{wire.NodeMessage{Promised: &wire.Promised{Node: f[1], Boot: f[2], Term: uint64(s.number(f[3]))}}})
	case "prepared":
		s.apply(Heard{wire.NodeMessage{Prepared: &wire.Prepared{Node: f[1], Boot: f[2], Epoch: s.epoch(f[3]), Error: rest(4)}}})
	case "committed":
		s.apply(Heard{wire.NodeMessage{Committed: &wire.Committed{Node: f[1], Boot: f[2], Epoch: s.epoch(f[3])}}})
	case "leaving":
		s.apply(Heard{wire.NodeMessage{Leaving: &wire.Leaving{Node: f[1], Boot: f[2]}}})
	case "gossip":
		s.apply(Gossip{f[1], f[2], f[3] == "alive"})
	case "probe":
		s.apply(ProbeResult{Node: f[1], Boot: f[2], Outcome: map[string]Outcome{"answered": Answered, "silent": Silent, "nobody": NoResponders}[f[3]]})
	case "bus":
		s.apply(map[string]Event{"lost": BusLost{}, "back": BusBack{}}[f[1]])
	case "stuck":
		s.apply(LaneStuck{s.epoch(f[1])})
	case "canary":
		s.apply(CanaryDone{s.epoch(f[1]), rest(2)})
	case "measured":
		stages := 3
		if len(f) > 2 {
			stages = s.number(f[2])
		}
		s.apply(Measured{s.epoch(f[1]), []wire.Timing{{ComputeNS: 5e6}, {ComputeNS: 6e6}, {ComputeNS: 7e6}}[:stages]})
	case "drain":
		s.apply(Drain{f[1]})
	case "undrain":
		s.apply(Undrain{f[1]})
	case "scale":
		s.apply(Scale{s.number(f[1])})
	case "status":
		s.status()
	case "propose":
		s.json(s.p.Propose(s.number(f[1]), f[2:]...))
	default:
		s.t.Fatalf("unknown directive %q", f[0])
	}
}

func (s *script) config(args []string) {
	c := Config{
		Model: testModel(12), ModelID: "model-a", Wire: 1, Arithmetic: 1, Digest: "bits", KVType: "f16",
		Placement: place.Options{MinKVBlocks: 16, MaxKVBlocks: 64},
	}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "want":
			c.Want = s.number(v)
		case "digest":
			c.Digest = v
		case "term":
			c.State.Term = uint64(s.number(v))
		case "drained":
			c.State.Drained = strings.Split(v, ",")
		default:
			s.t.Fatalf("unknown setting %q", k)
		}
	}
	s.p = New(c)
}

func (s *script) hello(f []string) *wire.Hello {
	h := &wire.Hello{
		Node: f[0], Boot: f[1], Wire: 1, Arithmetic: 1, Digest: "bits", Model: "model-a",
		MemoryBytes: 8e9, BytesPerSec: 10e9, OpsPerSec: 100e9, Kernels: "avx2", Threads: 4, Host: "10.0.0.7",
	}
	for _, a := range f[2:] {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "mb":
			h.MemoryBytes = int64(s.number(v)) * 1e6
		case "model":
			h.Model = v
		case "digest":
			h.Digest = v
		case "wire":
			h.Wire = s.number(v)
		case "arithmetic":
			h.Arithmetic = s.number(v)
		case "promised":
			h.Promised = uint64(s.number(v))
		default:
			s.t.Fatalf("unknown field %q", k)
		}
	}
	return h
}

func (s *script) number(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// epoch reads term.n; "" is 0.
func (s *script) epoch(v string) uint64 {
	if v == "" {
		return 0
	}
	term, n, _ := strings.Cut(v, ".")
	return uint64(s.number(term))<<32 | uint64(s.number(n))
}

func (s *script) wait(v string) {
	d, err := time.ParseDuration(v)
	if err != nil {
		s.t.Fatal(err)
	}
	for end := s.now + d; s.now < end; {
		s.now += 100 * time.Millisecond
		for _, name := range s.names() {
			if sh := s.shards[name]; sh != nil {
				b := wire.Beat{Node: name, Boot: sh.boot, Promised: sh.promised, Epoch: sh.epoch, Layer: -1}
				s.apply(Heard{wire.NodeMessage{Beat: &b}})
			}
		}
		s.apply(Tick{})
	}
}

func (s *script) names() []string {
	var names []string
	for name := range s.shards {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// apply gives an event to the Planner, writes what it does, and lets the shards answer.
func (s *script) apply(ev Event) {
	commands := s.p.Apply(s.now, ev, nil)
	if err := s.p.Check(); err != nil {
		s.t.Fatalf("after %+v: %v\n%s", ev, err, s.out.Bytes())
	}
	for _, c := range commands {
		s.write(c)
	}
	for _, c := range commands {
		if send, ok := c.(Send); ok {
			s.answer(send)
		}
	}
}

func (s *script) answer(c Send) {
	sh := s.shards[c.Node]
	if sh == nil || sh.boot != c.Boot || sh.dumb {
		return
	}
	var m wire.NodeMessage
	switch {
	case c.Message.Promise != nil:
		sh.promised = c.Message.Promise.Term
		m.Promised = &wire.Promised{Node: c.Node, Boot: c.Boot, Term: sh.promised}
	case c.Message.Prepare != nil:
		m.Prepared = &wire.Prepared{Node: c.Node, Boot: c.Boot, Epoch: c.Message.Prepare.Epoch}
	case c.Message.Commit != nil:
		sh.epoch = c.Message.Commit.Epoch
		m.Committed = &wire.Committed{Node: c.Node, Boot: c.Boot, Epoch: sh.epoch}
	case c.Message.Release != nil:
		sh.epoch = 0
		return
	default:
		return
	}
	s.apply(Heard{m})
}

func (s *script) write(c Command) {
	var kind, text string
	switch c := c.(type) {
	case WakeAt:
		return
	case Send:
		kind, text = "send", c.Node+" "+c.Boot+" "+describeMessage(c.Message)
	case Announce:
		kind, text = "announce", fmt.Sprint("term ", c.Term)
	case Probe:
		kind, text = "probe", c.Node+" "+c.Boot
	case Persist:
		kind, text = "persist", fmt.Sprintf("%+v", c.State)
	case Pause:
		kind, text = "pause", c.Reason
	case Ready:
		kind, text = "ready", fmt.Sprintf("%s %+v, %d KV blocks", FormatEpoch(c.Epoch), c.Stages, c.KVBlocks)
	case Log:
		kind, text = "log", fmt.Sprintf("[%s] %s", c.Kind, c.Text)
	}
	if !slices.Contains(s.quiet, kind) {
		fmt.Fprintf(&s.out, "%6.1fs %-8s %s\n", s.now.Seconds(), kind, text)
	}
}

func describeMessage(m wire.ControlMessage) string {
	switch {
	case m.Announce != nil:
		return fmt.Sprint("announce ", m.Announce.Term)
	case m.Promise != nil:
		return fmt.Sprint("promise ", m.Promise.Term)
	case m.Prepare != nil:
		st := m.Prepare.Stages[m.Prepare.Index]
		return fmt.Sprintf("prepare %s stage %d of %d: layers [%d, %d), %d KV blocks %s",
			FormatEpoch(m.Prepare.Epoch), m.Prepare.Index, len(m.Prepare.Stages), st.First, st.Last, m.Prepare.KVBlocks, m.Prepare.KVType)
	case m.Commit != nil:
		return "commit " + FormatEpoch(m.Commit.Epoch)
	case m.Release != nil:
		return "release " + FormatEpoch(m.Release.Epoch)
	}
	return "?"
}

func (s *script) status() {
	st := s.p.Status()
	fmt.Fprintf(&s.out, "%s ready=%v epoch %s recoveries %d: %s\n", st.State, st.Ready, FormatEpoch(st.Epoch), st.Recovery, st.Reason)
	for _, x := range st.Stages {
		fmt.Fprintf(&s.out, "  stage [%d, %d) on %s: predicted %s, measured %s\n", x.First, x.Last, x.Node,
			time.Duration(x.PredictedNS), time.Duration(x.MeasuredNS))
	}
	for _, n := range st.Nodes {
		fmt.Fprintf(&s.out, "  %s %s %s: %s\n", n.Node, n.Boot, n.State, n.Reason)
	}
}

func (s *script) json(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(&s.out, "%s\n", b)
}
