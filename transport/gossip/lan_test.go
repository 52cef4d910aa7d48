package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// cluster is a simulated cluster; members are named m0, m1, ...; m0 is everybody's seed.
type cluster struct {
	t   *testing.T
	lan *LAN
}

func address(i int) string { return fmt.Sprintf("10.0.0.%d:7946", i+1) }

func (c *cluster) options(i int, boot string) Options {
	return Options{Node: fmt.Sprint("m", i), Boot: boot, Cluster: "test", Secret: []byte("secret"),
		Meta: Meta{Role: RoleShard, HTTP: fmt.Sprintf("http://m%d", i)}, Bind: address(i), Seeds: []string{address(0)}, LAN: c.lan}
}

func (c *cluster) start(o Options) *Gossip {
	c.t.Helper()
	g, err := Start(o)
	if err != nil {
		c.t.Fatal(err)
	}
	return g
}

// run gives f a bubble, a network and n members that know each other.
func run(t *testing.T, n int, f func(t *testing.T, c *cluster, members []*Gossip, events []chan Event)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t, NewLAN(1)}
		var members []*Gossip
		var events []chan Event
		for i := range n {
			o := c.options(i, "b0")
			ch := make(chan Event, 1000)
			o.Events = ch
			members, events = append(members, c.start(o)), append(events, ch)
		}
		defer func() {
			for _, g := range members {
				g.Close()
			}
			settle()
		}()
		for i, g := range members {
			c.until(fmt.Sprintf("m%d knows all", i), 30*time.Second, func() bool { return len(g.Members()) == n-1 })
		}
		synctest.Wait() // who is a member may be told a moment later
		for _, ch := range events {
			drain(ch)
		}
		f(t, c, members, events)
	})
}

// settle lets the probes in flight end, without which the bubble cannot.
func settle() { time.Sleep(10 * time.Second) }

func drain(ch chan Event) {
	for len(ch) > 0 {
		<-ch
	}
}

// until waits in simulated time.
func (c *cluster) until(what string, limit time.Duration, ok func() bool) time.Duration {
	c.t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			c.t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// next is the next event.
func next(t *testing.T, ch <-chan Event) Event {
	t.Helper()
	select {
	case e := <-ch:
		return e
	case <-time.After(time.Minute):
		t.Fatal("no event")
		panic("unreachable")
	}
}

func TestMembersFindEachOther(t *testing.T) {
	run(t, 6, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		for i, m := range members[2].Members() {
			who := i
			if i >= 2 {
				who++
			}
			want := Member{Meta: c.options(who, "").Meta, Node: fmt.Sprint("m", who), Boot: "b0", Addr: address(who)}
			if fmt.Sprint(m) != fmt.Sprint(want) {
				t.Errorf("got %+v, want %+v", m, want)
			}
		}
		if self := members[2].Self(); self.Addr != address(2) || self.Name() != "m2/b0" {
			t.Errorf("self %+v", self)
		}
	})
}

func TestDeathIsNoticed(t *testing.T) {
	run(t, 4, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		c.lan.Cut(address(3))
		start := time.Now()
		for i := range 3 {
			e := next(t, events[i])
			if e.Change != Failed || e.Member.Node != "m3" {
				t.Fatalf("m%d heard %+v", i, e)
			}
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("it took %v of simulated time", d)
		}
		// It is taken in again when it is back.
		c.lan.Heal(address(3))
		for _, g := range members {
			c.until("all are members again", time.Minute, func() bool { return len(g.Members()) == 3 })
		}
	})
}

func TestLostPacketsKillNobody(t *testing.T) {
	run(t, 4, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		c.lan.SetLoss(0.1)
		time.Sleep(time.Minute)
		for i, ch := range events {
			for len(ch) > 0 {
				if e := <-ch; e.Change == Failed {
					t.Errorf("m%d heard %+v", i, e)
				}
			}
		}
	})
}

func TestLeave(t *testing.T) {
	run(t, 4, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		if err := members[1].Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 2, 3} {
			e := next(t, events[i])
			if e.Change == Updated { // the farewell, where it came by itself
				e = next(t, events[i])
			}
			if e.Change != Left || e.Member.Node != "m1" || e.Member.HTTP != "http://m1" {
				t.Errorf("m%d heard %+v", i, e)
			}
		}
		if err := members[1].Leave(t.Context()); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestLeaveAlone(t *testing.T) {
	run(t, 1, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		if err := members[0].Leave(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLeaveCutOffEndsWithItsDeadline(t *testing.T) {
	run(t, 2, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		c.lan.Cut(address(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		members[1].Leave(ctx)
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("Leave took %v of simulated time", d)
		}
	})
}

func TestSetMeta(t *testing.T) {
	run(t, 3, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		m := Meta{Role: RoleCoordinator, NATS: []string{"nats://10.0.0.2:4222"}}
		if err := members[1].SetMeta(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 2} {
			if e := next(t, events[i]); e.Change != Updated || fmt.Sprint(e.Member.Meta) != fmt.Sprint(m) {
				t.Errorf("m%d heard %+v", i, e)
			}
		}
		if err := members[1].SetMeta(t.Context(), Meta{NATS: make([]string, 300)}); err == nil {
			t.Error("300 URLs are taken")
		}
		if got := members[1].Self().Meta; fmt.Sprint(got) != fmt.Sprint(m) {
			t.Errorf("a refused change was made: %+v", got)
		}
	})
}

func TestWait(t *testing.T) {
	run(t, 2, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		found := make(chan Member, 1)
		go func() {
			m, err := members[0].Wait(t.Context(), func(m Member) bool { return m.Role == RoleNATS })
			if err != nil {
				t.Error(err)
			}
			found <- m
		}()
		synctest.Wait()
		if len(found) > 0 {
			t.Fatal("found too early")
		}
		if err := members[1].SetMeta(t.Context(), Meta{Role: RoleNATS}); err != nil {
			t.Fatal(err)
		}
		if m := <-found; m.Node != "m1" {
			t.Errorf("found %+v", m)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := members[0].Wait(ctx, func(Member) bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestRestartedNodeIsANewMember(t *testing.T) {
	run(t, 3, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		members[2].Close()
		members[2] = c.start(c.options(2, "b1"))
		var heard []string
		for len(heard) < 2 {
			e := next(t, events[0])
			heard = append(heard, e.Member.Name()+" "+e.Change.String())
		}
		slices.Sort(heard)
		if want := []string{"m2/b0 failed", "m2/b1 joined"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q", heard)
		}
	})
}

func TestSeedStartsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer settle()
		c := &cluster{t, NewLAN(1)}
		early := c.start(c.options(1, "b0"))
		defer early.Close()
		if err := early.Join(t.Context()); !errors.Is(err, ErrNoSeed) {
			t.Errorf("Join without a seed: %v", err)
		}
		time.Sleep(time.Minute)
		seed := c.start(c.options(0, "b0"))
		defer seed.Close()
		c.until("the seed is found", 5*time.Second, func() bool { return len(early.Members()) == 1 && len(seed.Members()) == 1 })
		if err := early.Join(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// After a long separation nobody gossips to the dead any more: the seeds bring the parts together.
func TestLongSeparationHeals(t *testing.T) {
	run(t, 3, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		c.lan.Cut(address(0))
		c.until("the others notice", 10*time.Second, func() bool { return len(members[1].Members()) == 1 })
		time.Sleep(3 * time.Minute)
		if n := len(members[0].Members()); n != 0 {
			t.Fatalf("the one cut off still knows %d", n)
		}
		c.lan.Heal(address(0))
		for _, g := range members {
			c.until("all are back", 15*time.Second, func() bool { return len(g.Members()) == 2 })
		}
	})
}

func TestAddressIsTaken(t *testing.T) {
	run(t, 1, func(t *testing.T, c *cluster, members []*Gossip, events []chan Event) {
		if _, err := Start(c.options(0, "b1")); err == nil {
			t.Error("two members at one address")
		}
	})
}
