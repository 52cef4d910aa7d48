package gossip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Join tries every seed now. It returns nil when one of them took this process in, ErrRefused when one is there but
// would not, and ErrNoSeed when none could be reached. Whatever it returns, the search goes on in the background.
func (g *Gossip) Join(ctx context.Context) error {
	if len(g.o.Seeds) == 0 {
		return fmt.Errorf("%w: none is given", ErrNoSeed)
	}
	return g.tryAll(ctx, g.o.Seeds)
}

func (g *Gossip) tryAll(ctx context.Context, seeds []string) error {
	var failed error
	joined := false
	for _, seed := range seeds {
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		if err := g.try(seed); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		joined = true
	}
	if joined {
		return nil
	}
	return failed
}

// try exchanges member lists with one seed.
func (g *Gossip) try(seed string) error {
	ip, port, err := resolve(seed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoSeed, err)
	}
	addr := net.JoinHostPort(ip.String(), strconv.Itoa(port))
	if addr == g.Addr() {
		return nil // ourselves
	}
	if _, err := g.list.Join([]string{addr}); err != nil {
		return explain(seed, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seeds[seed] = addr
	return nil
}

// explain tells a seed that refuses from one that is not there. The library's error is a text only: one that got no
// connection, or no answer, says so.
func explain(seed string, err error) error {
	text := oneLine(err)
	if strings.Contains(text, "dial ") || strings.Contains(text, "timeout") {
		return fmt.Errorf("%w: %s: %s", ErrNoSeed, seed, text)
	}
	return fmt.Errorf("%w (%s: %s)", ErrRefused, seed, text)
}

// oneLine is the library's list of errors without its layout.
func oneLine(err error) string {
	text := err.Error()
	if i := strings.Index(text, "* "); i >= 0 {
		text = text[i+2:]
	}
	return strings.Join(strings.Fields(text), " ")
}

// rejoin tries the seeds that are no members until ctx ends: at once, then every second while nobody is known, and
// every five seconds while somebody is.
func (g *Gossip) rejoin(ctx context.Context) {
	var last string
	for {
		if missing, alone := g.missing(); len(missing) > 0 {
			last = g.note(g.tryAll(ctx, missing), alone, last)
		}
		_, alone := g.missing()
		pause := steadyRejoin
		if alone {
			pause = lonelyRejoin
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// note logs why the seeds are not found, once for each reason. While others are known it is no news.
func (g *Gossip) note(err error, alone bool, last string) string {
	if err == nil {
		return ""
	}
	if text := err.Error(); text != last {
		level := g.log.Debug
		if errors.Is(err, ErrRefused) {
			level = g.log.Warn
		} else if alone {
			level = g.log.Info
		}
		level("no seed has taken this node in; trying again", "err", err)
		return text
	}
	return last
}

// missing are the seeds that are not members, and whether there are no members at all.
func (g *Gossip) missing() (seeds []string, alone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	here := map[string]bool{}
	for _, m := range g.members {
		here[m.Addr] = true
	}
	for _, s := range g.o.Seeds {
		if !here[g.seeds[s]] {
			seeds = append(seeds, s)
		}
	}
	return seeds, len(g.members) == 0
}
