package generate_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const want = "the quick brown fox jumps over the lazy dog, again and again and again and again"

// world is a client and a fake coordinator in a bubble of synctest.
type world struct {
	t      *testing.T
	net    *bus.Net
	coord  *fake.Coordinator
	client *generate.Client
	stop   func() // ends the client
}

// run calls fn in a bubble, with everything there and gone again afterwards.
func run(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: bus.NewNet(7)}
		subjects := wire.Subjects{Cluster: "test"}
		coordConn, conn := w.net.Connect("coord", bus.Events{}), w.net.Connect("router", bus.Events{})
		coord, err := fake.Start(coordConn, subjects, fake.Card(), 10*time.Millisecond, func(_ []int32, choice uint32, _ uint64) []int32 {
			return fake.Tokens(want[choice:])
		})
		if err != nil {
			t.Fatal(err)
		}
		w.coord = coord
		w.client = generate.New(generate.Options{Bus: conn, Subjects: subjects, Router: "router", Boot: "b"})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.client.Run(ctx) }()
		w.stop = cancel
		fn(t, w)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		coord.Stop()
		conn.Close()
		coordConn.Close()
	})
}

func (w *world) start(id string, change ...func(*generate.Request)) *generate.Stream {
	p := wire.Params{Temperature: 1, TopP: 1, Repetition: 1, Logprobs: -1, StopIDs: []int32{fake.ImEnd}}
	q := generate.Request{
		ID: id, Prompt: []int32{1, 2, 3}, Choices: []generate.Choice{{Index: 0, Credit: 1000}}, Params: p, MaxTokens: 1000,
		Deadline: time.Now().Add(5 * time.Minute),
	}
	for _, fn := range change {
		fn(&q)
	}
	return w.client.Start(q)
}

// read returns the text of each choice until the stream ends; positions must be consecutive.
func read(t *testing.T, s *generate.Stream, n int) ([]string, error) {
	t.Helper()
	defer s.Close()
	out := make([][]byte, n)
	finished := make([]string, n)
	for {
		events, err := s.Next(t.Context())
		if err != nil {
			text := make([]string, n)
			for i := range out {
				text[i] = string(out[i])
			}
			return text, err
		}
		for _, ev := range events {
			if ev.Position != len(out[ev.Choice]) || finished[ev.Choice] != "" {
				t.Errorf("choice %d: position %d after %d tokens, finish %q", ev.Choice, ev.Position, len(out[ev.Choice]), finished[ev.Choice])
			}
			finished[ev.Choice] = ev.Finish
			for _, id := range ev.Tokens {
				if id < 256 {
					out[ev.Choice] = append(out[ev.Choice], byte(id))
				}
			}
		}
	}
}

func (w *world) whole(id string) {
	w.t.Helper()
	got, err := read(w.t, w.start(id), 1)
	if !errors.Is(err, io.EOF) || got[0] != want {
		w.t.Errorf("%s: %q, %v", id, got, err)
	}
}

func TestAnswer(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		got, err := read(t, w.start("a", func(q *generate.Request) {
			q.Choices = append(q.Choices, generate.Choice{Index: 1, Credit: 1000})
		}), 2)
		if !errors.Is(err, io.EOF) || got[0] != want || got[1] != want[1:] {
			t.Errorf("%q, %v", got, err)
		}
		if n := len(w.coord.Seen()); n != 1 {
			t.Errorf("%d submissions", n)
		}
	})
}

// TestHarm: whatever is done to an answer on its way, it is the same.
func TestHarm(t *testing.T) {
	during := func(fn func(w *world)) func(w *world) {
		return func(w *world) {
			s := w.start("a")
			time.Sleep(200 * time.Millisecond)
			fn(w)
			got, err := read(w.t, s, 1)
			if !errors.Is(err, io.EOF) || got[0] != want {
				w.t.Errorf("%q, %v", got, err)
			}
			if n := len(w.coord.Seen()); n < 2 {
				w.t.Errorf("%d submissions: no harm was done", n)
			}
		}
	}
	for name, fn := range map[string]func(w *world){
		"lost messages": func(w *world) { w.net.SetFaults(bus.Faults{Drop: 0.2}); w.whole("a") },
		"duplicates":    func(w *world) { w.net.SetFaults(bus.Faults{Duplicate: 0.5}); w.whole("a") },
		"late and unordered": func(w *world) {
			w.net.SetFaults(bus.Faults{Reorder: 0.3, Delay: 5 * time.Millisecond, Jitter: 30 * time.Millisecond})
			w.whole("a")
		},
		"restart":   during(func(w *world) { w.coord.Restart() }),
		"forgotten": during(func(w *world) { w.coord.Forget() }),
		"bus cut": during(func(w *world) {
			w.net.Cut("router")
			time.Sleep(3 * time.Second)
			w.net.Heal("router")
		}),
		"server killed": during(func(w *world) {
			w.net.CutAll()
			time.Sleep(3 * time.Second)
			w.net.HealAll()
		}),
		"deaf coordinator restarts": during(func(w *world) {
			w.coord.SetDeaf(true)
			time.Sleep(30 * time.Second)
			w.coord.Restart()
			w.coord.SetDeaf(false)
		}),
		"stage lost": func(w *world) {
			w.coord.Break(10, wire.DeltaItem{ErrorCode: wire.CodeStage, Error: "stage 1 is gone"})
			w.whole("a")
		},
		"cancelled there": func(w *world) {
			w.coord.Break(10, wire.DeltaItem{Finish: wire.FinishCancel})
			w.whole("a")
		},
		"refused for a while": func(w *world) {
			no := wire.GenerateReply{Code: wire.CodeNoPipeline, Message: "re-planning", RetryAfterMS: 2000}
			w.coord.Refuse(no, no, no)
			w.whole("a")
		},
		"overloaded in mid-answer": func(w *world) {
			w.coord.Break(10, wire.DeltaItem{ErrorCode: wire.CodeStage, Error: "gone"})
			s := w.start("a")
			time.Sleep(50 * time.Millisecond)
			w.coord.Refuse(wire.GenerateReply{Code: wire.CodeOverloaded, Message: "full"})
			got, err := read(w.t, s, 1)
			if !errors.Is(err, io.EOF) || got[0] != want {
				w.t.Errorf("%q, %v", got, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(_ *testing.T, w *world) { fn(w) })
		})
	}
}

func TestResubmissionHasWhatWasEmitted(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.coord.Break(10, wire.DeltaItem{ErrorCode: wire.CodeStage, Error: "gone"})
		w.whole("a")
		seen := w.coord.Seen()
		if len(seen) != 2 || seen[1].Attempt != seen[0].Attempt+1 || len(seen[1].Choices[0].Emitted) != 10 || seen[1].RemainingMS >= seen[0].RemainingMS {
			t.Errorf("%+v", seen)
		}
	})
}

func TestFinalErrors(t *testing.T) {
	for _, code := range []string{wire.CodeTooLong, wire.CodeModel, wire.CodeInvalid, wire.CodeOverloaded, wire.CodeNoPipeline} {
		run(t, func(t *testing.T, w *world) {
			w.coord.Refuse(wire.GenerateReply{Code: code, Message: "no"})
			_, err := read(t, w.start("a"), 1)
			var e *generate.Error
			if !errors.As(err, &e) || e.Code != code || len(w.coord.Seen()) != 1 {
				t.Errorf("%s: %v, %d submissions", code, err, len(w.coord.Seen()))
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	for name, harm := range map[string]func(w *world){
		"no coordinator": func(w *world) { w.coord.SetDeaf(true) },
		"no bus":         func(w *world) { w.net.CutAll() },
		"no pipeline": func(w *world) {
			for range 100 {
				w.coord.Refuse(wire.GenerateReply{Code: wire.CodeNoPipeline, Message: "no shards", RetryAfterMS: 100})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				harm(w)
				begin := time.Now()
				_, err := read(t, w.start("a", func(q *generate.Request) { q.Deadline = begin.Add(3 * time.Second) }), 1)
				var e *generate.Error
				if !errors.As(err, &e) || (e.Code != wire.CodeTimeout && e.Code != wire.CodeNoPipeline) {
					t.Errorf("%v", err)
				}
				if took := time.Since(begin); took < 2*time.Second || took > 4*time.Second {
					t.Errorf("ended after %v", took)
				}
			})
		})
	}
}

func TestCredit(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := w.start("a", func(q *generate.Request) { q.Choices[0].Credit = 5 })
		defer s.Close()
		count := func() (n int) {
			time.Sleep(5 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for {
				events, err := s.Next(ctx)
				if err != nil {
					return n
				}
				for _, ev := range events {
					n += len(ev.Tokens)
				}
			}
		}
		if n := count(); n != 5 {
			t.Errorf("%d tokens on a credit of 5", n)
		}
		s.Credit(0, 12, 5)
		if n := count(); n != 7 {
			t.Errorf("%d more tokens on a credit of 12", n)
		}
		s.Credit(0, 3, 12) // never down
		if n := count(); n != 0 || len(w.coord.Seen()) != 1 {
			t.Errorf("%d tokens without credit, %d submissions", n, len(w.coord.Seen()))
		}
	})
}

func TestCancel(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := w.start("a", func(q *generate.Request) { q.Choices = append(q.Choices, generate.Choice{Index: 1, Credit: 1000}) })
		time.Sleep(50 * time.Millisecond)
		s.Cancel(0, "stop string", 1)
		got, err := read(t, s, 2)
		if !errors.Is(err, io.EOF) || !strings.HasPrefix(want, got[0]) || got[0] == want || got[1] != want[1:] {
			t.Errorf("%q, %v", got, err)
		}
		if c := w.coord.Cancels(); len(c) != 1 || c[0].Choice != 0 {
			t.Errorf("%+v", c)
		}
		other := w.start("b")
		if _, err := other.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		other.Close()
		synctest.Wait()
		if w.coord.Live() != 0 {
			t.Error("a closed stream goes on")
		}
	})
}

func TestBeatsNameWhatIsLive(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := w.start("a", func(q *generate.Request) { q.Choices[0].Credit = 1 })
		time.Sleep(3500 * time.Millisecond)
		beats := w.coord.Beats()
		if len(beats) < 3 || len(beats) > 4 {
			t.Fatalf("%d beats in 3.5 s", len(beats))
		}
		if b := beats[len(beats)-1]; b.Router != "router" || b.Boot != "b" || len(b.Live) != 1 || b.Live[0] != "a" {
			t.Errorf("%+v", b)
		}
		s.Close()
		time.Sleep(1100 * time.Millisecond)
		beats = w.coord.Beats()
		if b := beats[len(beats)-1]; len(b.Live) != 0 {
			t.Errorf("%+v", b)
		}
	})
}

func TestShutdownEndsStreams(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := w.start("a", func(q *generate.Request) { q.Choices[0].Credit = 0 })
		synctest.Wait()
		w.stop()
		_, err := s.Next(t.Context())
		var e *generate.Error
		if !errors.As(err, &e) || e.Code != wire.CodeTimeout {
			t.Errorf("%v", err)
		}
	})
}

// TestALongPromptIsLeftAlone: silence alone is no reason to begin a prompt again.
func TestALongPromptIsLeftAlone(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.coord.SetStalled(true)
		s := w.start("a")
		time.Sleep(110 * time.Second)
		w.coord.SetStalled(false)
		got, err := read(t, s, 1)
		if !errors.Is(err, io.EOF) || got[0] != want || len(w.coord.Seen()) != 1 {
			t.Errorf("%q, %v, %d submissions", got, err, len(w.coord.Seen()))
		}
	})
}
