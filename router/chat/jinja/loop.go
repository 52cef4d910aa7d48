package jinja

import (
	"fmt"
	"unicode/utf8"
)

// loop is the variable of that name in a for.
type loop struct {
	items []any
	index int // from 0
}

func (n *forNode) exec(r *run) error {
	r.line = n.line
	v, err := r.eval(n.list)
	if err != nil {
		return err
	}
	items, err := r.items(v)
	if err != nil {
		return err
	}
	outer := r.scope
	defer func() { r.scope = outer }()
	if n.filter != nil {
		if items, err = n.choose(r, outer, items); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		r.scope = outer.child()
		return r.nodes(n.orElse)
	}
	for i := range items {
		r.scope = outer.child()
		r.scope.set("loop", &loop{items, i})
		if err := n.bind(r, items[i]); err != nil {
			return err
		}
		err := r.nodes(n.body)
		if err == errBreak {
			break
		}
		if err != nil && err != errContinue {
			return err
		}
		if err := r.step(); err != nil {
			return err
		}
	}
	return nil
}

func (n *forNode) bind(r *run, item any) error {
	if len(n.targets) == 1 {
		r.scope.set(n.targets[0], item)
		return nil
	}
	values, err := r.unpack(item, len(n.targets))
	if err != nil {
		return err
	}
	for i, name := range n.targets {
		r.scope.set(name, values[i])
	}
	return nil
}

// choose returns the items for which the loop's if holds.
func (n *forNode) choose(r *run, outer *scope, items []any) ([]any, error) {
	var chosen []any
	for _, item := range items {
		r.scope = outer.child()
		if err := n.bind(r, item); err != nil {
			return nil, err
		}
		v, err := r.eval(n.filter)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			chosen = append(chosen, item)
		}
	}
	r.scope = outer
	return chosen, nil
}

// attr is loop.name.
func (l *loop) attr(name string) any {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.index + 1)
	case "index0":
		return int64(l.index)
	case "revindex":
		return int64(n - l.index)
	case "revindex0":
		return int64(n - l.index - 1)
	case "first":
		return l.index == 0
	case "last":
		return l.index == n-1
	case "length":
		return int64(n)
	case "depth": // only recursive loops go deeper
		return int64(1)
	case "depth0":
		return int64(0)
	case "previtem":
		if l.index > 0 {
			return l.items[l.index-1]
		}
		return undefined{"loop.previtem in the first round"}
	case "nextitem":
		if l.index < n-1 {
			return l.items[l.index+1]
		}
		return undefined{"loop.nextitem in the last round"}
	case "cycle":
		return function{"cycle", func(_ *run, a arguments) (any, error) {
			if len(a.pos) == 0 {
				return nil, fmt.Errorf("loop.cycle needs values to go through")
			}
			return a.pos[l.index%len(a.pos)], nil
		}}
	}
	return undefined{"\"loop." + name + "\""}
}

// items returns what a for goes through: a list's items, a dict's keys, a string's characters.
func (r *run) items(v any) ([]any, error) {
	switch v := v.(type) {
	case undefined:
		return nil, nil
	case *List:
		return v.items, nil
	case *Dict:
		items := make([]any, len(v.keys))
		for i, k := range v.keys {
			items[i] = Plain(k)
		}
		return items, r.made(len(items))
	case Str:
		var items []any
		for at := 0; at < len(v.text); {
			_, size := utf8.DecodeRuneInString(v.text[at:])
			items = append(items, v.cut(at, at+size))
			at += size
			if len(items) > maxItems {
				return nil, errItems
			}
		}
		return items, r.made(len(items))
	}
	return nil, fmt.Errorf("%s cannot be gone through", kindOf(v))
}

// made counts a list of n items that is made on the way: 16 bytes each.
func (r *run) made(n int) error {
	if n > maxItems {
		return errItems
	}
	return r.spend(16 * n)
}
