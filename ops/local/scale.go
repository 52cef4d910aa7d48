package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Replan makes the coordinator use n shards and returns the names of those that the live plan uses.
type Replan func(ctx context.Context, n int) ([]string, error)

type scaleRequest struct {
	ctx    context.Context
	shards int
	replan Replan
	done   chan error
}

// Scale starts or stops shards so that n run. More shards are started before the plan changes, fewer are stopped
// after it: no layer is ever without a shard.
func (s *Supervisor) Scale(ctx context.Context, n int, replan Replan) error {
	if n < 1 {
		return fmt.Errorf("local: cannot scale to %d shards: at least 1", n)
	}
	r := scaleRequest{ctx: ctx, shards: n, replan: replan, done: make(chan error, 1)}
	select {
	case s.scale <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.over:
		return errors.New("local: the cluster is ending")
	}
	return <-r.done
}

// rescale runs on Run's goroutine.
func (s *Supervisor) rescale(base context.Context, r scaleRequest) error {
	s.mu.Lock()
	s.shards = r.shards
	s.mu.Unlock()
	have := s.Shards()
	for i := 0; len(have) < r.shards; i++ {
		if name := shardName(i); !slices.Contains(have, name) {
			s.keep(base, name, s.shardArgs(name), nil)
			have = append(have, name)
		}
	}
	used, err := r.replan(r.ctx, r.shards)
	if err != nil {
		return fmt.Errorf("local: scale to %d shards: %w", r.shards, err)
	}
	if len(have) > r.shards {
		s.stopWhere(func(name string) bool { return isShard(name) && !slices.Contains(used, name) })
	}
	return nil
}

// Shards are the names of the shards that the supervisor keeps, in order.
func (s *Supervisor) Shards() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.kept {
		if isShard(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return names
}
