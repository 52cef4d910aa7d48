package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

type usageCmd struct {
	Show   usageShowCmd   `cmd:"" default:"withargs" help:"Tokens and cost per key and user."`
	Export usageExportCmd `cmd:"" help:"Usage as CSV or JSON lines, by key, user, model and day."`
	Verify usageVerifyCmd `cmd:"" help:"Prove that the sum of all usage is the totals and the balances."`
}

type usageShowCmd struct {
	books
	output
	Key   string        `help:"Only this key (its id)."`
	User  string        `help:"Only this user."`
	Since time.Duration `help:"Only what was settled within this time, such as 24h."`
}

func (c *usageShowCmd) Run(ctx context.Context) error {
	a, err := c.dial()
	if err != nil {
		return err
	}
	q := account.Query{Key: c.Key, User: c.User, ByUser: true}
	if c.Since > 0 {
		q.Since = time.Now().Add(-c.Since)
	}
	rows, err := a.Usage(ctx, q)
	if err != nil {
		return err
	}
	return c.print(rows, func(w io.Writer) { usageTable(w, rows) })
}

func usageTable(w io.Writer, rows []account.Total) {
	fmt.Fprintln(w, "KEY\tNAME\tUSER\tREQUESTS\tPROMPT\tOUTPUT\tCOST")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t$%s\n", r.Key, cmp.Or(shown(r.Name), "-"), cmp.Or(shown(r.User), "-"),
			r.Requests, r.Prompt, r.Completion, r.Cost)
	}
}

type usageVerifyCmd struct {
	books
	output
}

func (c *usageVerifyCmd) Run(ctx context.Context) error {
	a, err := c.dial()
	if err != nil {
		return err
	}
	r, err := a.Verify(ctx)
	if err != nil {
		return err
	}
	err = c.print(r, func(w io.Writer) {
		fmt.Fprintf(w, "settled\t%d requests\nopen\t%d requests\ncost\t$%s\n", r.Requests, r.Open, r.Cost)
		for _, p := range r.Problems {
			fmt.Fprintf(w, "PROBLEM\t%s\n", shownText(p))
		}
	})
	if err == nil && len(r.Problems) > 0 {
		err = errors.New("the books are not right")
	}
	return err
}
