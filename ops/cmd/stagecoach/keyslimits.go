package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// limitFlags are limits as flags; those that are not given say nothing.
type limitFlags struct {
	RPM         *int   `name:"rpm" help:"Requests a minute (0: the default, -1: no limit)."`
	TPM         *int   `name:"tpm" help:"Tokens a minute, prompt and output."`
	Concurrency *int   `help:"Requests at once."`
	Budget      string `help:"Dollars that may be spent in all (none: no limit)."`
	BudgetDay   string `help:"Dollars a calendar day, UTC."`
	BudgetMonth string `help:"Dollars a calendar month, UTC."`
}

// change is what the flags say.
func (f *limitFlags) change() (c account.LimitChange, err error) {
	c = account.LimitChange{RPM: f.RPM, TPM: f.TPM, Concurrency: f.Concurrency}
	for _, b := range []struct {
		flag, text string
		to         **account.Pico
	}{{"budget", f.Budget, &c.Budget}, {"budget-day", f.BudgetDay, &c.BudgetDay}, {"budget-month", f.BudgetMonth, &c.BudgetMonth}} {
		if b.text == "" {
			continue
		}
		limit, e := parseBudget(b.text)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("--%s: %w", b.flag, e))
		}
		*b.to = &limit
	}
	return c, err
}

// limits are the flags as those of a new key.
func (f *limitFlags) limits() (account.Limits, error) {
	c, err := f.change()
	return c.Apply(account.Limits{}), err
}

// parseBudget reads dollars, or none. A budget of nothing is refused: it would read as no limit.
func parseBudget(s string) (account.Pico, error) {
	if s == "none" {
		return -1, nil
	}
	dollars, err := account.ParseDollars(s)
	if err == nil && dollars <= 0 {
		err = fmt.Errorf("%s dollars: give more than 0, or none for no limit", s)
	}
	return dollars, err
}

type keysLimitsCmd struct {
	books
	output
	limitFlags
	keyArg
	EachUser  bool          `xor:"who" help:"Set the limits of each user that has none of their own."`
	User      *string       `xor:"who" help:"Set the limits of this user; \"\" are all requests without one."`
	Clear     bool          `help:"With --user: take the user's own limits away."`
	Models    []string      `help:"Models that the key may use."`
	AllModels bool          `help:"Let the key use every model."`
	Expires   time.Duration `help:"How long the key is valid from now on."`
	NoExpiry  bool          `help:"Let the key be valid for ever."`
}

func (c *keysLimitsCmd) Run(ctx context.Context) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	a, err := c.dial()
	if err != nil {
		return err
	}
	key, err := a.UpdateKey(ctx, c.Key, change)
	if err != nil {
		return err
	}
	return c.printKeys(key)
}

// change says what the flags change: the limits of the key, of each user or of one, and the key's models and end.
func (c *keysLimitsCmd) change() (k account.KeyChange, err error) {
	limits, err := c.limitFlags.change()
	if err != nil {
		return k, err
	}
	switch {
	case c.Clear && (c.User == nil || limits != (account.LimitChange{})):
		return k, errors.New("--clear takes the limits of a --user away and sets none")
	case c.Clear:
		k.Users = map[string]*account.LimitChange{*c.User: nil}
	case limits == (account.LimitChange{}):
		if c.EachUser || c.User != nil {
			return k, errors.New("give limits to set, such as --rpm 60")
		}
	case c.EachUser:
		k.PerUser = &limits
	case c.User != nil:
		k.Users = map[string]*account.LimitChange{*c.User: &limits}
	default:
		k.Limits = &limits
	}
	return k, c.changeKey(&k)
}

func (c *keysLimitsCmd) changeKey(k *account.KeyChange) error {
	switch {
	case c.AllModels && len(c.Models) > 0, c.NoExpiry && c.Expires != 0:
		return errors.New("--models and --all-models, and --expires and --no-expiry, exclude each other")
	case c.Expires < 0:
		return fmt.Errorf("--expires %s: use `stagecoach keys disable`", c.Expires)
	}
	if c.AllModels || len(c.Models) > 0 {
		k.Models = &c.Models
	}
	if c.NoExpiry {
		k.Expires = new(time.Time)
	}
	if c.Expires > 0 {
		end := time.Now().Add(c.Expires).UTC()
		k.Expires = &end
	}
	return nil
}
