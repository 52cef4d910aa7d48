package jinja

import (
	"fmt"
	"strings"
	"time"
)

// run is one rendering.
type run struct {
	scope *scope
	out   output
	line  int // of the statement that runs
	steps int
	bytes int
	calls int
	now   time.Time
}

var (
	errSteps = fmt.Errorf("rendering takes more than %d steps", maxSteps)
	errBytes = fmt.Errorf("rendering makes more than %d bytes of text", maxBytes)
	errItems = fmt.Errorf("a list has more than %d items", maxItems)
)

// step counts a statement or an expression.
func (r *run) step() error {
	if r.steps++; r.steps > maxSteps {
		return errSteps
	}
	return nil
}

// spend counts n bytes that are about to be made.
func (r *run) spend(n int) error {
	if n < 0 || n > maxBytes-r.bytes {
		return errBytes
	}
	r.bytes += n
	return nil
}

func (r *run) eval(x expr) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	return x.eval(r)
}

func (r *run) nodes(body []node) error {
	for _, n := range body {
		if err := r.step(); err != nil {
			return err
		}
		if err := n.exec(r); err != nil {
			return err
		}
	}
	return nil
}

// capture returns what body renders.
func (r *run) capture(body []node) (Str, error) {
	saved := r.out
	r.out = output{}
	err := r.nodes(body)
	s := r.out.str()
	r.out = saved
	return s, err
}

// output is a growing Str.
type output struct {
	text strings.Builder
	safe []span
}

func (o *output) write(s Str) {
	at := o.text.Len()
	o.text.WriteString(s.text)
	for _, sp := range s.safe {
		o.safe = addSpan(o.safe, sp.start+at, sp.end+at)
	}
}

func (o *output) str() Str { return Str{o.text.String(), o.safe} }

func (o *output) parts() []Part {
	var parts []Part
	o.str().each(func(text string, trusted bool) { parts = append(parts, Part{text, trusted}) })
	return parts
}

func (n *textNode) exec(r *run) error {
	if err := r.spend(len(n.text)); err != nil {
		return err
	}
	r.out.write(Trusted(n.text))
	return nil
}

func (n *outNode) exec(r *run) error {
	r.line = n.line
	v, err := r.eval(n.x)
	if err != nil {
		return err
	}
	s, err := r.str(v)
	if err != nil {
		return err
	}
	if err := r.spend(len(s.text)); err != nil {
		return err
	}
	r.out.write(s)
	return nil
}

func (n *block) exec(r *run) error { return r.nodes(n.body) }

func (n *jumpNode) exec(*run) error { return n.err }

func (n *ifNode) exec(r *run) error {
	r.line = n.line
	for i, cond := range n.conds {
		v, err := r.eval(cond)
		if err != nil {
			return err
		}
		if truth(v) {
			return r.nodes(n.then[i])
		}
	}
	if len(n.then) > len(n.conds) {
		return r.nodes(n.then[len(n.conds)])
	}
	return nil
}

func (n *setNode) exec(r *run) error {
	r.line = n.line
	v, err := r.eval(n.value)
	if err != nil {
		return err
	}
	if len(n.targets) == 1 {
		return r.assign(n.targets[0], v)
	}
	items, err := r.unpack(v, len(n.targets))
	if err != nil {
		return err
	}
	for i, t := range n.targets {
		if err := r.assign(t, items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) assign(t target, v any) error {
	if t.attr == "" {
		r.scope.set(t.name, v)
		return nil
	}
	ns, ok := r.scope.get(t.name).(*namespace)
	if !ok {
		return fmt.Errorf("cannot set %s.%s: %s is not a namespace", t.name, t.attr, t.name)
	}
	ns.vars.Set(t.attr, v)
	return nil
}

// unpack returns the n items of v.
func (r *run) unpack(v any, n int) ([]any, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	if len(items) != n {
		return nil, fmt.Errorf("%d values for %d names", len(items), n)
	}
	return items, nil
}

func (n *setBlock) exec(r *run) error {
	s, err := r.scoped(n.body)
	if err != nil {
		return err
	}
	r.line = n.line
	v, err := r.filterAll(n.filters, s)
	if err != nil {
		return err
	}
	return r.assign(n.target, v)
}

func (n *filterBlock) exec(r *run) error {
	s, err := r.scoped(n.body)
	if err != nil {
		return err
	}
	r.line = n.line
	v, err := r.filterAll(n.filters, s)
	if err != nil {
		return err
	}
	if s, err = r.str(v); err != nil {
		return err
	}
	if err := r.spend(len(s.text)); err != nil {
		return err
	}
	r.out.write(s)
	return nil
}

// scoped captures a body that has variables of its own.
func (r *run) scoped(body []node) (Str, error) {
	outer := r.scope
	r.scope = outer.child()
	s, err := r.capture(body)
	r.scope = outer
	return s, err
}

func (r *run) filterAll(fs []*filterExpr, v any) (any, error) {
	for _, f := range fs {
		var err error
		if v, err = f.apply(r, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (n *macroNode) exec(r *run) error {
	r.scope.set(n.name, &macro{n, r.scope})
	return nil
}

// invoke calls a macro.
func (m *macro) invoke(r *run, a arguments) (any, error) {
	if r.calls++; r.calls > maxCalls {
		return nil, fmt.Errorf("macro %s: more than %d calls within one another", m.node.name, maxCalls)
	}
	inner := m.scope.child()
	values, err := a.bind(r, m.node.name, m.node.params)
	if err != nil {
		return nil, err
	}
	outer, line := r.scope, r.line
	r.scope = inner
	without := len(m.node.params) - len(m.node.defaults)
	for i, p := range m.node.params {
		v := values[i]
		if v == nil && i >= without {
			d, err := r.eval(m.node.defaults[i-without])
			if err != nil {
				return nil, err
			}
			v = &d
		}
		if v == nil {
			inner.set(p, undefined{"parameter \"" + p + "\""})
			continue
		}
		inner.set(p, *v)
	}
	s, err := r.capture(m.node.body)
	if err == nil {
		r.line = line
	}
	r.scope = outer
	r.calls--
	return s, err
}
