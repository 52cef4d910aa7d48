package jinja

import "fmt"

func (x *literal) eval(*run) (any, error) { return x.value, nil }

func (x *nameRef) eval(r *run) (any, error) { return r.scope.get(x.name), nil }

func (x *listLit) eval(r *run) (any, error) {
	items := make([]any, len(x.items))
	for i, item := range x.items {
		v, err := r.eval(item)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return &List{items}, r.made(len(items))
}

func (x *dictLit) eval(r *run) (any, error) {
	d := NewDict()
	for i := range x.keys {
		k, err := r.eval(x.keys[i])
		if err != nil {
			return nil, err
		}
		key, ok := k.(Str)
		if !ok {
			return nil, fmt.Errorf("%s cannot be the key of a dict: only strings can", kindOf(k))
		}
		v, err := r.eval(x.values[i])
		if err != nil {
			return nil, err
		}
		d.Set(key.text, v)
	}
	return d, r.made(len(x.keys))
}

func (x *attrOf) eval(r *run) (any, error) {
	v, err := r.eval(x.x)
	if err != nil {
		return nil, err
	}
	return attribute(v, x.name)
}

func (x *itemOf) eval(r *run) (any, error) {
	v, err := r.eval(x.x)
	if err != nil {
		return nil, err
	}
	index, err := r.eval(x.index)
	if err != nil {
		return nil, err
	}
	return item(v, index)
}

func (x *call) eval(r *run) (any, error) {
	f, err := r.eval(x.f)
	if err != nil {
		return nil, err
	}
	a, err := r.arguments(x.args)
	if err != nil {
		return nil, err
	}
	switch f := f.(type) {
	case function:
		return f.call(r, a)
	case *macro:
		return f.invoke(r, a)
	case undefined:
		return nil, f.err()
	}
	return nil, fmt.Errorf("%s cannot be called", kindOf(f))
}

func (x *filterExpr) eval(r *run) (any, error) {
	v, err := r.eval(x.x)
	if err != nil {
		return nil, err
	}
	return x.apply(r, v)
}

// apply runs the filter on v.
func (x *filterExpr) apply(r *run, v any) (any, error) {
	a, err := r.arguments(x.args)
	if err != nil {
		return nil, err
	}
	r.line = x.line
	return x.f(r, v, a)
}

func (x *testExpr) eval(r *run) (any, error) {
	v, err := r.eval(x.x)
	if err != nil {
		return nil, err
	}
	a, err := r.arguments(x.args)
	if err != nil {
		return nil, err
	}
	r.line = x.line
	ok, err := x.test(r, v, a)
	return ok != x.not, err
}

func (x *logic) eval(r *run) (any, error) {
	a, err := r.eval(x.a)
	if err != nil || truth(a) != x.and {
		return a, err
	}
	return r.eval(x.b)
}

func (x *notExpr) eval(r *run) (any, error) {
	v, err := r.eval(x.x)
	return !truth(v), err
}

func (x *condExpr) eval(r *run) (any, error) {
	cond, err := r.eval(x.cond)
	if err != nil {
		return nil, err
	}
	if truth(cond) {
		return r.eval(x.then)
	}
	if x.orElse == nil {
		return undefined{"the value of an if without else"}, nil
	}
	return r.eval(x.orElse)
}

func (x *unary) eval(r *run) (any, error) {
	v, err := r.eval(x.x)
	if err != nil {
		return nil, err
	}
	return sign(x.op, v)
}

func (x *binary) eval(r *run) (any, error) {
	a, err := r.eval(x.a)
	if err != nil {
		return nil, err
	}
	b, err := r.eval(x.b)
	if err != nil {
		return nil, err
	}
	return r.operate(x.op, a, b)
}

func (x *compare) eval(r *run) (any, error) {
	a, err := r.eval(x.first)
	if err != nil {
		return nil, err
	}
	for i, op := range x.ops {
		b, err := r.eval(x.rest[i])
		if err != nil {
			return nil, err
		}
		ok, err := r.holds(op, a, b)
		if err != nil || !ok {
			return false, err
		}
		a = b
	}
	return true, nil
}

func (x *slice) eval(r *run) (any, error) {
	v, err := r.eval(x.x)
	if err != nil {
		return nil, err
	}
	var bounds [3]*int64
	for i, part := range [...]expr{x.from, x.to, x.step} {
		if part == nil {
			continue
		}
		b, err := r.eval(part)
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue
		}
		n, ok := integerOf(b)
		if !ok {
			return nil, fmt.Errorf("a slice's bounds must be integers, not %s", kindOf(b))
		}
		bounds[i] = &n
	}
	return r.slice(v, bounds)
}
