package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/admin"
)

// books finds the router whose books a command reads: its folder is DATA/router of a local cluster, or DATA itself.
type books struct {
	Data string `env:"STAGECOACH_DATA" help:"Data folder of the cluster, or of its router (default: the user's data directory)."`
}

func (b *books) dial() (*admin.Client, error) {
	dir := b.Data
	if dir == "" {
		d, err := local.DataDir()
		if err != nil {
			return nil, err
		}
		dir = d
	}
	if _, err := os.Stat(filepath.Join(dir, admin.File)); err == nil {
		return admin.Dial(dir)
	}
	return admin.Dial(filepath.Join(dir, "router"))
}

type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make a key. It is shown once."`
	List   keysListCmd   `cmd:"" help:"List the keys."`
	Revoke keysRevokeCmd `cmd:"" help:"Disable a key, by its id or name."`
}

type keysCreateCmd struct {
	books
	output
	Name        string        `required:"" help:"Whose key it is."`
	RPM         int           `default:"0" help:"Requests a minute (0: the router's default, -1: no limit)."`
	TPM         int           `default:"0" help:"Tokens a minute."`
	Concurrency int           `default:"0" help:"Requests at once."`
	Budget      string        `help:"Dollars that it may spend in all."`
	Expires     time.Duration `help:"How long it is valid, such as 720h (default: for ever)."`
}

// newKey checks what the flags say. What would silently mean "no limit" is refused.
func (c *keysCreateCmd) newKey() (account.NewKey, error) {
	n := account.NewKey{Name: c.Name, Limits: account.Limits{RPM: c.RPM, TPM: c.TPM, Concurrency: c.Concurrency}}
	if c.Budget != "" {
		dollars, err := account.ParseDollars(c.Budget)
		if err != nil {
			return n, fmt.Errorf("--budget: %w", err)
		}
		if dollars <= 0 {
			return n, fmt.Errorf("--budget %s: give more than 0, or leave it out for no limit", c.Budget)
		}
		n.Limits.Budget = dollars
	}
	if c.Expires < 0 {
		return n, fmt.Errorf("--expires %s: the key would have expired already", c.Expires)
	}
	if c.Expires > 0 {
		n.Expires = time.Now().Add(c.Expires)
	}
	return n, nil
}

func (c *keysCreateCmd) Run(ctx context.Context) error {
	n, err := c.newKey()
	if err != nil {
		return err
	}
	a, err := c.dial()
	if err != nil {
		return err
	}
	secret, key, err := a.CreateKey(ctx, n)
	if err != nil {
		return err
	}
	made := struct {
		Key  string `json:"key"`
		ID   string `json:"id"`
		Name string `json:"name"`
	}{secret, key.ID, key.Name}
	return c.print(made, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n\nThis is the key of %s (%s). It is stored hashed and cannot be shown again.\n", secret, key.Name, key.ID)
	})
}

type keysListCmd struct {
	books
	output
}

func (c *keysListCmd) Run(ctx context.Context) error {
	a, err := c.dial()
	if err != nil {
		return err
	}
	keys, err := a.Keys(ctx)
	if err != nil {
		return err
	}
	return c.print(keys, func(w io.Writer) {
		fmt.Fprintln(w, "ID\tNAME\tKEY\tREQ/MIN\tTOK/MIN\tAT ONCE\tSPENT\tBUDGET\tCREATED\tSTATE")
		for _, k := range keys {
			fmt.Fprintf(w, "%s\t%s\tsk-%s\t%s\t%s\t%s\t$%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Hint, limitText(k.Limits.RPM), limitText(k.Limits.TPM),
				limitText(k.Limits.Concurrency), k.Spent, budgetText(k.Limits.Budget), k.Created.Format(time.DateTime), stateText(k))
		}
	})
}

func stateText(k account.Key) string {
	switch {
	case k.Disabled:
		return "revoked"
	case k.Expires.IsZero():
		return "active"
	case k.Expires.Before(time.Now()):
		return "expired"
	}
	return "active until " + k.Expires.Format(time.DateTime)
}

func budgetText(p account.Pico) string {
	if p <= 0 {
		return "none"
	}
	return "$" + p.String()
}

// limitText shows a key's own limit; "default" is the router's.
func limitText(n int) string {
	switch {
	case n < 0:
		return "none"
	case n == 0:
		return "default"
	}
	return fmt.Sprint(n)
}

type keysRevokeCmd struct {
	books
	Key string `arg:"" help:"Id or name."`
}

func (c *keysRevokeCmd) Run(ctx context.Context) error {
	a, err := c.dial()
	if err != nil {
		return err
	}
	key, err := a.RevokeKey(ctx, c.Key)
	if err != nil {
		return err
	}
	fmt.Printf("%s (%s) is revoked\n", key.ID, key.Name)
	return nil
}
