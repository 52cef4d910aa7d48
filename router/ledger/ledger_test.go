package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/ledger"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

var (
	subjects = wire.Subjects{Cluster: "test"}
	prices   = account.Prices{Prompt: 1, Completion: 1}
	quiet    = slog.New(slog.DiscardHandler)
)

// silenceAndMore is when the owner has settled what a router had that is silent.
const silenceAndMore = 13 * time.Second

// world is an owner and a client of its ledger in a bubble of synctest.
type world struct {
	t      *testing.T
	net    *bus.Net
	dir    string
	book   *account.Book
	client *ledger.Client
	leave  func() // ends the client
	end    func() // ends the owner
}

func run(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: bus.NewNet(3), dir: t.TempDir()}
		w.own("boot-1")
		w.client, w.leave = w.join("other", "b1")
		fn(t, w)
		w.net.HealAll()
		w.net.SetFaults(bus.Faults{})
		w.leave()
		w.end()
	})
}

// own starts an owner on the world's folder.
func (w *world) own(boot string) {
	w.t.Helper()
	book, err := account.Open(w.dir, account.Options{Logger: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	conn := w.net.Connect("owner-"+boot, bus.Events{})
	o := &ledger.Owner{Bus: conn, Subjects: subjects, Router: "owner", Boot: boot, Book: book, Logger: quiet}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.Serve(ctx) }()
	synctest.Wait()
	w.book = book
	w.end = func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		conn.Close()
		if err := book.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) join(name, boot string) (*ledger.Client, func()) {
	conn := w.net.Connect(name+boot, bus.Events{})
	c := ledger.NewClient(ledger.Options{Bus: conn, Subjects: subjects, Router: name, Boot: boot, Logger: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	return c, func() {
		cancel()
		running.Wait()
		conn.Close()
	}
}

func admission(request string) account.Admission {
	return account.Admission{ID: account.ID{Router: "other", Request: request}, Key: account.LocalKey, Model: "m", Prompt: 10, Prices: prices}
}

func (w *world) admit(request string) *account.Grant {
	w.t.Helper()
	g, err := w.client.Admit(w.t.Context(), admission(request))
	if err == nil {
		err = g.Durable(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *world) verify() account.Report {
	w.t.Helper()
	r, err := w.book.Verify()
	if err != nil || len(r.Problems) > 0 {
		w.t.Fatalf("%v, %v", r.Problems, err)
	}
	return r
}

// TestRequests runs requests from admission to settlement over a bus that loses, doubles and reorders messages: each is
// accounted once, with what was delivered.
func TestRequests(t *testing.T) {
	for name, faults := range map[string]bus.Faults{
		"no faults":  {},
		"lost":       {Drop: 0.2},
		"doubled":    {Duplicate: 0.5},
		"unordered":  {Reorder: 0.3, Delay: 5 * time.Millisecond, Jitter: 50 * time.Millisecond},
		"everything": {Drop: 0.1, Duplicate: 0.2, Reorder: 0.2, Jitter: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				w.net.SetFaults(faults)
				const requests, tokens = 20, 30
				var wg sync.WaitGroup
				settled := make([]bool, requests)
				for i := range requests {
					wg.Go(func() { settled[i] = w.request(fmt.Sprint(i), tokens) })
				}
				wg.Wait()
				w.net.SetFaults(bus.Faults{})
				time.Sleep(30 * time.Second) // what was not settled in time the owner settles
				r := w.verify()
				if r.Requests != requests || r.Open != 0 || r.Cost != requests*(10+tokens) {
					t.Errorf("%+v, settled %v", r, settled)
				}
			})
		})
	}
}

// request is one that delivers tokens, ten at a time.
func (w *world) request(name string, tokens int) bool {
	g := w.admit(name)
	leased := 0
	for n := 10; n <= tokens; n += 10 {
		got, err := w.client.Lease(w.t.Context(), g.ID, 10)
		if err != nil || got != 10 {
			w.t.Errorf("%s: leased %d, %v", name, got, err)
		}
		leased += got
		if err := w.client.Deliver(g.Hold, account.PromptDone, account.Mark{Choice: 0, Position: uint32(n)}); err != nil {
			w.t.Errorf("%s: %v", name, err)
		}
	}
	u, err := w.client.Settle(w.t.Context(), g.ID, account.Outcome{Prompt: 10, Completion: tokens, Status: account.StatusOK})
	return err == nil && u.Completion == tokens && leased == tokens
}

func TestRefusalsComeAcross(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if id, err := w.client.Authenticate("", true); id != account.LocalKey || err != nil || w.client.HasKeys() {
			t.Errorf("%s, %v", id, err)
		}
		secret, key, err := w.book.CreateKey(ctx, account.NewKey{Name: "k", Models: []string{"m"}, Limits: account.Limits{RPM: 1}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.client.Authenticate("sk-wrong", true); !errors.Is(err, account.ErrUnknownKey) || !w.client.HasKeys() {
			t.Errorf("%v", err)
		}
		if _, err := w.client.Authenticate("", true); !errors.Is(err, account.ErrNoKey) {
			t.Errorf("%v", err)
		}
		if id, err := w.client.Authenticate(secret, false); id != key.ID || err != nil {
			t.Errorf("%s, %v", id, err)
		}
		a := admission("1")
		a.Key, a.Model = key.ID, "other"
		if _, err := w.client.Admit(ctx, a); !errors.Is(err, account.ErrModel) {
			t.Errorf("%v", err)
		}
		a.Model = "m"
		if _, err := w.client.Admit(ctx, a); err != nil {
			t.Error(err)
		}
		a.ID.Request = "2"
		var r *account.Refusal
		if _, err := w.client.Admit(ctx, a); !errors.As(err, &r) || r.Scope != account.ScopeRequests || r.After <= 0 || r.Quota.RequestLimit != 1 {
			t.Errorf("%v", err)
		}
		if s, err := w.client.Standing(ctx, key.ID, "eve"); err != nil || s.Key.Name != "k" || s.Limits.RPM != 1 || s.Quota.RequestsLeft != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if totals, err := w.client.Usage(ctx, account.Query{Key: key.ID}); err != nil || len(totals) != 0 {
			t.Errorf("%+v, %v", totals, err)
		}
		if _, err := w.book.RevokeKey(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.client.Authenticate(secret, false); !errors.Is(err, account.ErrRevoked) {
			t.Errorf("%v", err)
		}
	})
}

// TestARouterThatDies: the owner settles its requests at what was delivered, and takes no mark of them any more.
func TestARouterThatDies(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		g := w.admit("1")
		if err := w.client.Deliver(g.Hold, account.PromptDone, account.Mark{Position: 7}); err != nil {
			t.Fatal(err)
		}
		w.net.Cut("otherb1")
		time.Sleep(5 * time.Second)
		if r := w.verify(); r.Open != 1 {
			t.Fatalf("after 5 s: %+v", r)
		}
		time.Sleep(10 * time.Second)
		if r := w.verify(); r.Open != 0 || r.Cost != 17 {
			t.Fatalf("after 15 s: %+v", r)
		}
		w.net.Heal("otherb1")
		if err := w.client.Deliver(g.Hold, account.Mark{Position: 9}); !errors.Is(err, account.ErrUnknownRequest) {
			t.Errorf("a mark of a settled request: %v", err)
		}
		if _, err := w.client.Lease(t.Context(), g.ID, 5); !errors.Is(err, account.ErrUnknownRequest) {
			t.Errorf("a lease of a settled request: %v", err)
		}
	})
}

// TestLostBeats: a request that was admitted after the last beat that came is not given up before its router is silent for long.
func TestLostBeats(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		time.Sleep(500 * time.Millisecond) // a beat has come
		g := w.admit("1")
		w.net.Cut("otherb1")
		time.Sleep(8 * time.Second)
		if r := w.verify(); r.Open != 1 {
			t.Fatalf("after 8 s: %+v", r)
		}
		w.net.Heal("otherb1")
		if err := w.client.Deliver(g.Hold, account.PromptDone, account.Mark{Position: 7}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if r := w.verify(); r.Open != 1 {
			t.Fatalf("a request that its router names: %+v", r)
		}
		w.net.Cut("otherb1")
		time.Sleep(silenceAndMore)
		if r := w.verify(); r.Open != 0 || r.Cost != 17 {
			t.Errorf("after a silence: %+v", r)
		}
	})
}

// TestTheOwnerDies: what another router has goes on with the next owner of the same ledger, within its budget.
func TestTheOwnerDies(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, key, err := w.book.CreateKey(ctx, account.NewKey{Name: "k", Limits: account.Limits{Budget: 10 + 100}})
		if err != nil {
			t.Fatal(err)
		}
		a := admission("1")
		a.Key = key.ID
		g, err := w.client.Admit(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.client.Lease(ctx, g.ID, 60); n != 60 || err != nil {
			t.Fatal(n, err)
		}
		w.end()
		if err := w.client.Deliver(g.Hold, account.Mark{Position: 1}); !errors.Is(err, account.ErrUnavailable) {
			t.Errorf("a mark while nobody owns the ledger: %v", err)
		}
		delivered := make(chan error, 1)
		go func() { delivered <- w.client.Deliver(g.Hold, account.PromptDone, account.Mark{Position: 50}) }()
		time.Sleep(3 * time.Second)
		w.own("boot-2")
		if err := <-delivered; err != nil {
			t.Fatal(err)
		}
		if n, err := w.client.Lease(ctx, g.ID, 60); n != 40 || err != nil {
			t.Errorf("leased %d of the 40 that the budget has left, %v", n, err)
		}
		if u, err := w.client.Settle(ctx, g.ID, account.Outcome{Prompt: 10, Completion: 50}); err != nil || u.Cost != 60 {
			t.Errorf("%+v, %v", u, err)
		}
		w.verify()
	})
}

// TestASettlementThatIsNotHeard is asked again: what is known of a request is not lost with an owner that is away for a while.
func TestASettlementThatIsNotHeard(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		g := w.admit("1")
		if err := w.client.Deliver(g.Hold, account.PromptDone, account.Mark{Position: 7}); err != nil {
			t.Fatal(err)
		}
		w.net.Cut("otherb1")
		o := account.Outcome{Prompt: 10, Cached: 4, Completion: 7, Status: account.StatusOK}
		if _, err := w.client.Settle(t.Context(), g.ID, o); !errors.Is(err, account.ErrUnavailable) {
			t.Errorf("settled by an owner that does not hear: %v", err)
		}
		time.Sleep(5 * time.Second)
		w.net.Heal("otherb1")
		time.Sleep(2 * time.Second)
		if u, err := w.book.Settle(t.Context(), g.ID, account.Outcome{}); err != nil || u.Cached != 4 || u.Status != account.StatusOK {
			t.Errorf("%+v, %v", u, err)
		}
		w.verify()
	})
}

// TestASettlementThatIsGivenUp: beats stop naming its request, which the owner settles at what was delivered.
func TestASettlementThatIsGivenUp(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		g := w.admit("1")
		if err := w.client.Deliver(g.Hold, account.PromptDone, account.Mark{Position: 7}); err != nil {
			t.Fatal(err)
		}
		w.end()
		if _, err := w.client.Settle(t.Context(), g.ID, account.Outcome{Prompt: 10, Completion: 7, Status: account.StatusOK}); err == nil {
			t.Error("settled without an owner")
		}
		time.Sleep(20 * time.Second)
		w.own("boot-2")
		if r := w.verify(); r.Open != 1 {
			t.Errorf("%+v", r)
		}
		time.Sleep(3 * time.Second)
		if r := w.verify(); r.Open != 0 || r.Cost != 17 {
			t.Errorf("%+v", r)
		}
	})
}

func TestASecondOwnerIsRefused(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		book, err := account.Open(t.TempDir(), account.Options{Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close()
		conn := w.net.Connect("second", bus.Events{})
		defer conn.Close()
		o := &ledger.Owner{Bus: conn, Subjects: subjects, Router: "second", Boot: "x", Book: book, Logger: quiet}
		if err := o.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "router owner") {
			t.Errorf("%v", err)
		}
	})
}

// TestAnotherLedger: who has used one ledger does not go on with another.
func TestAnotherLedger(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.admit("1")
		w.end()
		w.dir = t.TempDir()
		w.own("boot-2")
		if _, err := w.client.Admit(t.Context(), admission("2")); !errors.Is(err, account.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		if r := w.verify(); r.Open != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// FuzzOwner: whatever is asked, the books stay right.
func FuzzOwner(f *testing.F) {
	f.Add("hello", []byte(`{}`))
	f.Add("key", []byte(`{"hash":"AAAA"}`))
	f.Add("admit", []byte(`{"ID":{"router":"r","request":"q"},"Boot":"b","Key":"local","Prompt":5,"Prices":{"prompt":3,"completion":4}}`))
	f.Add("admit", []byte(`{"ID":{"router":"r","request":"x"},"Boot":"b","Key":"local","Prompt":-5,"Prices":{"prompt":-3}}`))
	f.Add("lease", []byte(`{"id":{"router":"r","request":"q"},"up_to":9223372036854775807}`))
	f.Add("deliver", []byte(`[{"hold":1,"marks":[{"Choice":1,"Position":2}]}]`))
	f.Add("settle", []byte(`{"id":{"router":"r","request":"q"},"outcome":{"Prompt":5,"Completion":-2}}`))
	f.Add("beat", []byte(`{"router":"r","boot":"b","live":["q"]}`))
	book, err := account.Open(f.TempDir(), account.Options{Logger: quiet})
	if err != nil {
		f.Fatal(err)
	}
	defer book.Close()
	o := &ledger.Owner{Bus: bus.NewNet(1).Connect("o", bus.Events{}), Subjects: subjects, Router: "o", Boot: "b", Book: book, Logger: quiet}
	f.Fuzz(func(t *testing.T, verb string, args []byte) {
		o.Answer(t.Context(), args)
		if json.Valid(args) {
			call, err := json.Marshal(map[string]any{"ledger": book.ID(), "args": json.RawMessage(args)})
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(wire.AdminRequest{Verb: verb, Args: call})
			if err != nil {
				t.Fatal(err)
			}
			o.Answer(t.Context(), data)
		}
		if r, err := book.Verify(); err != nil || len(r.Problems) > 0 || r.Cost < 0 {
			t.Fatalf("%s %q: %+v, %v", verb, args, r, err)
		}
	})
}
