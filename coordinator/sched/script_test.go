package sched

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

var update = flag.Bool("update", false, "rewrite the outputs in testdata/*.txt")

// TestScripts plays testdata/*.txt. A file is blocks of event lines, "----" and what came of them; see the files.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { playFile(t, path) })
	}
}

func playFile(t *testing.T, path string) {
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := &play{t: t, cfg: Config{Model: "m", Context: 128, Vocab: 1000}}
	for _, block := range strings.Split(strings.TrimSpace(string(file)), "\n\n") {
		script, _, _ := strings.Cut(block, "\n----")
		fmt.Fprintf(&out, "%s\n", script)
		if got := p.block(script); got != "" || strings.Contains(block, "----") {
			fmt.Fprintf(&out, "----\n%s", got)
		}
		out.WriteString("\n")
	}
	got := append(bytes.TrimRight(out.Bytes(), "\n"), '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(got, file) {
		t.Errorf("%s: outcome changed (look at it with -update and git diff):\n%s", path, firstDifference(string(file), string(got)))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return "one is longer"
}

// play is a scheduler under a script.
type play struct {
	t     *testing.T
	cfg   Config
	s     *Scheduler
	now   time.Duration
	steps []SendStep // in flight
	out   strings.Builder
}

func (p *play) block(script string) string {
	p.out.Reset()
	for _, line := range strings.Split(script, "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			p.line(line)
		}
	}
	return p.out.String()
}

// line is "[@time] verb key=value …".
func (p *play) line(line string) {
	words := strings.Fields(line)
	if words[0][0] == '@' {
		p.now = p.duration(words[0][1:])
		words = words[1:]
	}
	a := args{p: p, verb: words[0], kv: map[string]string{}}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, "=")
		a.kv[k] = v
	}
	if a.verb == "config" {
		p.configure(a)
		return
	}
	if p.s == nil {
		p.s = New(p.cfg)
	}
	if a.verb == "stats" {
		p.stats()
		return
	}
	p.apply(a.event())
}

func (p *play) configure(a args) {
	p.cfg.Context = a.num("context", p.cfg.Context)
	p.cfg.MaxQueue = a.num("queue", p.cfg.MaxQueue)
	p.cfg.MaxRows = a.num("rows", p.cfg.MaxRows)
	p.cfg.MaxRunning = a.num("running", p.cfg.MaxRunning)
	p.cfg.Quantum = a.num("quantum", p.cfg.Quantum)
}

func (p *play) apply(ev Event) {
	for _, c := range p.s.Apply(p.now, ev, nil) {
		if s, ok := c.(SendStep); ok && (len(p.steps) == 0 || s.Step > p.steps[len(p.steps)-1].Step || s.Epoch > p.steps[0].Epoch) {
			p.steps = append(p.steps, s)
		}
		p.out.WriteString(printed(c) + "\n")
	}
	if err := p.s.Check(); err != nil {
		p.t.Fatalf("after %+v: %v", ev, err)
	}
}

func (p *play) stats() {
	st := p.s.Stats()
	fmt.Fprintf(&p.out, "waiting %d running %d starved %d kv %d+%d/%d in flight %d tokens %d ", st.Waiting, st.Running,
		st.Starved, st.KVUsed, st.KVCached, st.KVBlocks, st.InFlight, st.Tokens)
	fmt.Fprintf(&p.out, "cached %d recomputed %d preempted %d restarted %d failed %d\n", st.Cached, st.Recomputed,
		st.Preempted, st.Restarted, st.Failed)
}

func (p *play) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// args are the words of a line.
type args struct {
	p    *play
	verb string
	kv   map[string]string
}

func (a args) num(key string, def int) int {
	v, ok := a.kv[key]
	if !ok {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		a.p.t.Fatalf("%s: %v", key, err)
	}
	return n
}

// ints reads 5,7,10..13.
func (a args) ints(key string) []int32 {
	var out []int32
	for _, w := range strings.FieldsFunc(a.kv[key], func(r rune) bool { return r == ',' }) {
		lo, hi, _ := strings.Cut(w, "..")
		from, err := strconv.Atoi(lo)
		to := from
		if hi != "" && err == nil {
			to, err = strconv.Atoi(hi)
		}
		if err != nil {
			a.p.t.Fatalf("%s: %v", key, err)
		}
		for v := from; v <= to; v++ {
			out = append(out, int32(v))
		}
	}
	return out
}

func (a args) text(key, def string) string {
	if v, ok := a.kv[key]; ok {
		return v
	}
	return def
}

func (a args) event() Event {
	switch a.verb {
	case "ready":
		return a.ready()
	case "pause":
		return PipelinePaused{Reason: a.text("reason", "paused")}
	case "submit":
		return a.submit()
	case "credit":
		return Credit{ID: a.text("id", ""), Choice: uint32(a.num("choice", 0)), UpTo: uint32(a.num("to", 0))}
	case "cancel":
		return Cancel{ID: a.text("id", ""), Choice: a.num("choice", -1)}
	case "beat":
		return RouterBeat{Router: a.text("router", "r"), Boot: "1", Live: strings.Split(a.text("live", ""), ",")}
	case "deaf":
		return BusLost{}
	case "hearing":
		return BusBack{}
	case "gap":
		return LaneGap{Epoch: uint64(a.num("epoch", 1)), Stage: a.num("stage", 0), Step: uint64(a.num("step", 0))}
	case "tick":
		return Tick{}
	case "sampled":
		return a.sampled()
	}
	a.p.t.Fatalf("what is %q?", a.verb)
	return nil
}

func (a args) ready() Event {
	l := Lane{KVBlocks: a.num("blocks", 8), MaxRows: a.num("rows", 0)}
	for range a.num("stages", 2) {
		l.Stages = append(l.Stages, StageTime{Fixed: time.Duration(a.num("fixed", 10)) * time.Millisecond,
			PerRow: time.Duration(a.num("perrow", 0)) * time.Millisecond})
	}
	a.p.steps = nil
	return PipelineReady{Epoch: uint64(a.num("epoch", 1)), Lanes: []Lane{l}}
}

func (a args) submit() Event {
	g := &wire.Generate{ID: a.text("id", ""), Attempt: uint32(a.num("attempt", 1)), Router: a.text("router", "r"), Boot: "1",
		Model: a.text("model", "m"), Prompt: a.ints("prompt"), MaxTokens: a.num("max", 8), Tenant: a.text("tenant", ""),
		Priority: a.num("priority", 0), Salt: a.text("salt", ""), RemainingMS: int64(a.num("remaining", 0)),
		Params: wire.Params{StopIDs: a.ints("stop")}, Score: a.num("score", 0) > 0, Scored: a.num("scored", 0), Room: a.num("room", 0)}
	for i := range a.num("n", 1) {
		g.Choices = append(g.Choices, wire.Choice{Index: uint32(i), Seed: uint64(i), Emitted: a.ints("emitted"), Credit: uint32(a.num("credit", 100))})
	}
	return Submit{g}
}

// sampled answers the oldest step in flight, or step=: each entry that wants one gets the next of tokens= (or a
// made-up one). fail= is the sequence that fails. Steps that are lost= stay in flight.
func (a args) sampled() Event {
	p := a.p
	if len(p.steps) == 0 {
		p.t.Fatal("nothing is in flight")
	}
	i := a.num("step", int(p.steps[0].Step)) - int(p.steps[0].Step)
	st := p.steps[i]
	if i == 0 && a.text("keep", "") == "" {
		p.steps = p.steps[1:]
	}
	r := &wire.Sampled{Epoch: uint64(a.num("epoch", int(st.Epoch))), Step: st.Step}
	tokens := a.ints("tokens")
	for _, e := range st.Entries {
		end := e.Pos + uint32(len(e.Tokens))
		switch {
		case int(e.Seq) == a.num("fail", 0):
			r.Items = append(r.Items, wire.SampledItem{Seq: e.Seq, Pos: e.Pos, Error: strings.ReplaceAll(a.text("why", "overflow"), "_", " ")})
		case e.Want != wire.WantNone && int(e.Seq) != a.num("mute", 0):
			it := wire.SampledItem{Seq: e.Seq, Pos: end}
			for _, t := range e.Targets {
				it.Scores = append(it.Scores, wire.Logprob{LP: -float32(t)})
			}
			if e.Want == wire.WantSample || len(e.Targets) < len(e.Tokens) {
				t := int32(500 + end)
				if len(tokens) > 0 {
					t, tokens = tokens[0], tokens[1:]
				}
				it.Tokens = []int32{t}
			}
			r.Items = append(r.Items, it)
		}
	}
	return Sampled{r}
}

func printed(c Command) string {
	switch c := c.(type) {
	case SendStep:
		return printedStep(c)
	case Resend:
		return fmt.Sprintf("resend epoch %d stage %d from %d", c.Epoch, c.Stage, c.From)
	case Emit:
		return printedEmit(c)
	case Reply:
		s := fmt.Sprintf("reply %s/%d", c.ID, c.Attempt)
		if c.Code == "" {
			return s + " accepted"
		}
		s += fmt.Sprintf(" refused %s: %s", c.Code, c.Message)
		if c.RetryAfterMS > 0 {
			s += fmt.Sprintf(" (retry after %d ms)", c.RetryAfterMS)
		}
		return s
	case LaneStuck:
		return fmt.Sprintf("stuck epoch %d step %d: %s", c.Epoch, c.Step, c.Reason)
	case WakeAt:
		return fmt.Sprintf("wake at %v", c.At)
	}
	return fmt.Sprintf("%T", c)
}

func printedStep(c SendStep) string {
	var b strings.Builder
	fmt.Fprintf(&b, "send epoch %d step %d ack %d", c.Epoch, c.Step, c.Ack)
	for _, e := range c.Entries {
		fmt.Fprintf(&b, "\n  seq %d", e.Seq)
		if len(e.Tokens) > 0 {
			fmt.Fprintf(&b, " pos %d rows %d %v", e.Pos, len(e.Tokens), brief(e.Tokens))
		}
		if e.Want == wire.WantSample {
			b.WriteString(" sample")
		}
		if e.Want == wire.WantScore {
			fmt.Fprintf(&b, " score %v", brief(e.Targets))
		}
		for _, op := range e.Ops {
			switch op.Kind {
			case wire.OpOpen:
				fmt.Fprintf(&b, " open(choice %d, seed %d, prompt %d, history %v)", op.Choice, op.Params.Seed, op.Params.PromptLen, brief(op.History))
			case wire.OpBlocks:
				fmt.Fprintf(&b, " blocks(%d: %v)", op.At, op.Blocks)
			case wire.OpClose:
				b.WriteString(" close")
			}
		}
	}
	return b.String()
}

func brief(tokens []int32) string {
	if len(tokens) < 3 {
		return fmt.Sprint(tokens)
	}
	return fmt.Sprintf("[%d … %d]", tokens[0], tokens[len(tokens)-1])
}

func printedEmit(c Emit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "emit to %s", c.Router)
	for _, it := range c.Items {
		fmt.Fprintf(&b, "\n  %s/%d choice %d pos %d tokens %v", it.ID, it.Attempt, it.Choice, it.Position, it.Tokens)
		if n := len(it.Scores); n > 0 {
			fmt.Fprintf(&b, " scores of %d … %d: [%v … %v]", it.ScorePos, int(it.ScorePos)+n-1, it.Scores[0].LP, it.Scores[n-1].LP)
		}
		if it.Cached > 0 {
			fmt.Fprintf(&b, " cached %d", it.Cached)
		}
		if it.Recomputed > 0 {
			fmt.Fprintf(&b, " recomputed %d", it.Recomputed)
		}
		if it.Finish != "" {
			b.WriteString(" finish " + it.Finish)
		}
		if it.ErrorCode != "" {
			fmt.Fprintf(&b, " error %s: %s", it.ErrorCode, it.Error)
		}
	}
	return b.String()
}
