package account

import (
	"cmp"
	"errors"
	"fmt"
)

// Limits bound what a key, or one user of a key, may use. Zero takes what is set above it: for a user the key's PerUser, for
// a key the server's default. A negative number is no limit.
type Limits struct {
	RPM         int  `json:"rpm,omitempty"`          // requests a minute
	TPM         int  `json:"tpm,omitempty"`          // tokens a minute, prompt and output
	Concurrency int  `json:"concurrency,omitempty"`  // requests at once
	Budget      Pico `json:"budget,omitempty"`       // over the whole life
	BudgetDay   Pico `json:"budget_day,omitempty"`   // of a calendar day, UTC
	BudgetMonth Pico `json:"budget_month,omitempty"` // of a calendar month, UTC
}

// or fills what l leaves open from the defaults d and turns "no limit" into zero.
func (l Limits) or(d Limits) Limits {
	return Limits{
		RPM:         pick(l.RPM, d.RPM),
		TPM:         pick(l.TPM, d.TPM),
		Concurrency: pick(l.Concurrency, d.Concurrency),
		Budget:      pick(l.Budget, d.Budget),
		BudgetDay:   pick(l.BudgetDay, d.BudgetDay),
		BudgetMonth: pick(l.BudgetMonth, d.BudgetMonth),
	}
}

func pick[T int | Pico](own, other T) T { return max(cmp.Or(own, other), 0) }

// budget is the limit of a window, 0 for none.
func (l *Limits) budget(w Window) Pico {
	switch w {
	case Day:
		return l.BudgetDay
	case Month:
		return l.BudgetMonth
	}
	return l.Budget
}

func (l *Limits) check() error {
	for _, v := range []struct {
		name string
		n    int
	}{{"rpm", l.RPM}, {"tpm", l.TPM}, {"concurrency", l.Concurrency}} {
		if v.n > maxRate || v.n < -1 {
			return fmt.Errorf("%s %d is outside 0..%d: use -1 for no limit", v.name, v.n, maxRate)
		}
	}
	if min(l.Budget, l.BudgetDay, l.BudgetMonth) < -dollar {
		return errors.New("a budget is below -1: use -1 for no limit")
	}
	return nil
}

// LimitChange sets some limits and leaves the rest.
type LimitChange struct {
	RPM         *int  `json:"rpm,omitempty"`
	TPM         *int  `json:"tpm,omitempty"`
	Concurrency *int  `json:"concurrency,omitempty"`
	Budget      *Pico `json:"budget,omitempty"`
	BudgetDay   *Pico `json:"budget_day,omitempty"`
	BudgetMonth *Pico `json:"budget_month,omitempty"`
}

// Apply gives l as changed.
func (c *LimitChange) Apply(l Limits) Limits {
	set(&l.RPM, c.RPM)
	set(&l.TPM, c.TPM)
	set(&l.Concurrency, c.Concurrency)
	set(&l.Budget, c.Budget)
	set(&l.BudgetDay, c.BudgetDay)
	set(&l.BudgetMonth, c.BudgetMonth)
	return l
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
