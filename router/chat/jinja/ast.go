package jinja

// node is a statement.
type node interface{ exec(*run) error }

// expr is an expression.
type expr interface{ eval(*run) (any, error) }

// Statements.
type (
	textNode struct{ text string }
	outNode  struct {
		line int
		x    expr
	}
	ifNode struct {
		line  int
		conds []expr // as many as then, or one less: the last is else
		then  [][]node
	}
	forNode struct {
		line    int
		targets []string
		list    expr
		filter  expr // nil for none
		body    []node
		orElse  []node
	}
	setNode struct {
		line    int
		targets []target
		value   expr
	}
	setBlock struct {
		line    int
		target  target
		filters []*filterExpr
		body    []node
	}
	filterBlock struct {
		line    int
		filters []*filterExpr
		body    []node
	}
	macroNode struct {
		line     int
		name     string
		params   []string
		defaults []expr // of the last params
		body     []node
	}
	jumpNode struct{ err error } // break, continue
	block    struct{ body []node }
)

// target is a name, or an attribute of a namespace.
type target struct{ name, attr string }

// Expressions.
type (
	literal struct{ value any }
	nameRef struct{ name string }
	listLit struct{ items []expr }
	dictLit struct{ keys, values []expr }
	attrOf  struct {
		x    expr
		name string
	}
	itemOf struct{ x, index expr }
	slice  struct{ x, from, to, step expr } // nil where left out
	call   struct {
		f    expr
		args args
	}
	filterExpr struct {
		line int
		x    expr
		name string
		f    filter
		args args
	}
	testExpr struct {
		line int
		x    expr
		test test
		args args
		not  bool
	}
	unary struct {
		op string
		x  expr
	}
	binary struct {
		op   string
		a, b expr
	}
	compare struct {
		first expr
		ops   []string
		rest  []expr
	}
	logic struct {
		and  bool
		a, b expr
	}
	notExpr  struct{ x expr }
	condExpr struct{ cond, then, orElse expr } // orElse nil: undefined
)

// args are the arguments of a call as they are written.
type args struct {
	pos   []expr
	names []string
	named []expr
}
