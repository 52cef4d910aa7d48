package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// simulate sends n messages from a to b under faults and returns what b gets, in order, with the time of each.
func simulate(t *testing.T, seed uint64, n int, f Faults) (got []string, at []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := NewNet(seed)
		net.SetFaults(f)
		a, b := net.Connect("a", Events{}), net.Connect("b", Events{})
		start := time.Now()
		if _, err := b.Subscribe("x", func(m Msg) {
			got = append(got, string(m.Data))
			at = append(at, time.Since(start))
		}); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			publish(t, a, "x", fmt.Append(nil, i))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		a.Close()
		b.Close()
	})
	return got, at
}

func numbers(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i)
	}
	return out
}

func TestFaultsFollowFromTheSeed(t *testing.T) {
	f := Faults{Drop: 0.2, Duplicate: 0.2, Reorder: 0.2, Delay: time.Millisecond, Jitter: 5 * time.Millisecond}
	first, at := simulate(t, 7, 300, f)
	again, at2 := simulate(t, 7, 300, f)
	if !slices.Equal(first, again) || !slices.Equal(at, at2) {
		t.Error("the same seed gave something else")
	}
	if other, _ := simulate(t, 8, 300, f); slices.Equal(first, other) {
		t.Error("another seed gave the same")
	}
}

func TestDrop(t *testing.T) {
	got, _ := simulate(t, 1, 1000, Faults{Drop: 0.3})
	if len(got) < 600 || len(got) > 800 || !slices.IsSortedFunc(got, byNumber) {
		t.Errorf("%d of 1000 arrived", len(got))
	}
	if got, _ := simulate(t, 1, 100, Faults{Drop: 1}); len(got) != 0 {
		t.Errorf("%d arrived", len(got))
	}
}

func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return slices.Compare([]byte(a), []byte(b))
}

func TestDuplicate(t *testing.T) {
	got, _ := simulate(t, 1, 1000, Faults{Duplicate: 0.3})
	if len(got) < 1200 || len(got) > 1400 || !slices.Equal(slices.Compact(slices.Clone(got)), numbers(1000)) {
		t.Errorf("%d arrived of 1000", len(got))
	}
}

func TestDelayKeepsTheOrder(t *testing.T) {
	const n = 500
	got, at := simulate(t, 1, n, Faults{Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond})
	if !slices.Equal(got, numbers(n)) {
		t.Fatal("out of order")
	}
	for i, d := range at {
		if late := d - time.Duration(i)*time.Millisecond; late < 10*time.Millisecond || late > 30*time.Millisecond {
			t.Errorf("message %d took %v", i, late)
		}
	}
}

func TestReorder(t *testing.T) {
	const n = 500
	got, _ := simulate(t, 1, n, Faults{Reorder: 0.1, Jitter: 3 * time.Millisecond})
	if slices.Equal(got, numbers(n)) {
		t.Error("nothing was overtaken")
	}
	slices.SortFunc(got, byNumber)
	if !slices.Equal(got, numbers(n)) {
		t.Error("something was lost or doubled")
	}
}

func TestFaultsByMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := NewNet(1)
		net.SetFaultsFunc(func(from, to string, m Msg) Faults {
			if from == "a" && to == "c" && m.Subject == "x" && string(m.Data) == "1" {
				return Faults{Drop: 1}
			}
			return Faults{}
		})
		a, b, c := net.Connect("a", Events{}), net.Connect("b", Events{}), net.Connect("c", Events{})
		defer func() { a.Close(); b.Close(); c.Close() }()
		atB, atC := receive(t, b, "x", 10), receive(t, c, "x", 10)
		for i := range 3 {
			publish(t, a, "x", fmt.Append(nil, i))
		}
		synctest.Wait()
		if len(atB) != 3 || len(atC) != 2 {
			t.Errorf("b got %d, c %d", len(atB), len(atC))
		}
	})
}

func TestCutLosesWhatIsOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := NewNet(1)
		net.SetFaults(Faults{Delay: 10 * time.Millisecond})
		e, lost, back := watched()
		a, b := net.Connect("a", Events{}), net.Connect("b", e)
		defer func() { a.Close(); b.Close() }()
		got := receive(t, b, "x", 10)
		publish(t, a, "x", []byte("arrives"))
		time.Sleep(10 * time.Millisecond)
		publish(t, a, "x", []byte("lost"))
		synctest.Wait()
		net.Cut("b")
		if err := take(t, lost, "Disconnected"); !errors.Is(err, ErrDisconnected) {
			t.Error(err)
		}
		if !a.Connected() || b.Connected() {
			t.Error("the wrong connection was cut")
		}
		if _, err := a.Request(t.Context(), "x", nil); !errors.Is(err, ErrNoResponders) {
			t.Errorf("request to a cut connection: %v", err)
		}
		net.Heal("b")
		take(t, back, "Reconnected")
		publish(t, a, "x", []byte("arrives too"))
		time.Sleep(time.Second)
		for _, want := range []string{"arrives", "arrives too"} {
			if m := take(t, got, want); string(m.Data) != want {
				t.Errorf("got %q, want %q", m.Data, want)
			}
		}
	})
}

func TestFakeSlowSubscriberIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := NewNet(1)
		dropped := 0
		b := net.Connect("b", Events{Dropped: func(subject string, n int) { dropped += n }})
		goOn := make(chan struct{})
		if _, err := b.Subscribe("slow", func(Msg) { <-goOn }); err != nil {
			t.Fatal(err)
		}
		for range DefaultPendingMessages + 1 {
			publish(t, b, "slow", nil)
		}
		synctest.Wait() // one is in the callback
		for range 6 {
			publish(t, b, "slow", nil)
		}
		synctest.Wait()
		if dropped < 5 || dropped > 7 {
			t.Errorf("told of %d drops", dropped)
		}
		close(goOn)
		b.Close()
	})
}

func TestRequestsUnderFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := NewNet(3)
		net.SetFaults(Faults{Drop: 0.3, Duplicate: 0.3, Delay: time.Millisecond, Jitter: 5 * time.Millisecond})
		a, b := net.Connect("a", Events{}), net.Connect("b", Events{})
		defer func() { a.Close(); b.Close() }()
		if _, err := b.Subscribe("echo", func(m Msg) { b.Publish(m.Reply, m.Data) }); err != nil {
			t.Fatal(err)
		}
		answered, lost := 0, 0
		for i := range 200 {
			out, err := a.Request(t.Context(), "echo", fmt.Append(nil, i))
			switch {
			case err == nil && string(out) == fmt.Sprint(i):
				answered++
			case err != nil:
				lost++
			default:
				t.Fatalf("request %d was answered %q", i, out)
			}
		}
		if answered < 60 || lost < 60 {
			t.Errorf("%d answered, %d lost", answered, lost)
		}
	})
}

func TestRequestWithoutADeadlineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := NewNet(1)
		a := net.Connect("a", Events{})
		defer a.Close()
		receive(t, a, "silent", 1)
		start := time.Now()
		_, err := a.Request(t.Context(), "silent", nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != RequestTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func FuzzMatches(f *testing.F) {
	f.Add("a.*.c", "a.b.c")
	f.Add(">", "a")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, pattern, subject string) {
		matches(pattern, subject)
		if !matches(subject, subject) {
			t.Errorf("%q does not match itself", subject)
		}
		if !matches(">", subject) {
			t.Errorf("> does not match %q", subject)
		}
	})
}
