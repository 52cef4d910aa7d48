package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	Create  keysCreateCmd  `cmd:"" help:"Make a key. It is shown once."`
	List    keysListCmd    `cmd:"" help:"List the keys."`
	Limits  keysLimitsCmd  `cmd:"" help:"Change what a key, each of its users, or one user may use."`
	Rotate  keysRotateCmd  `cmd:"" help:"Give a key a new secret. It is shown once."`
	Disable keysDisableCmd `cmd:"" help:"Refuse a key until it is enabled."`
	Enable  keysEnableCmd  `cmd:"" help:"Take a key that was disabled."`
	Revoke  keysRevokeCmd  `cmd:"" help:"Disable a key for good."`
}

type keysCreateCmd struct {
	books
	output
	limitFlags
	User    limitFlags    `embed:"" prefix:"user-" group:"Limits of each user of the key:"`
	Name    string        `required:"" help:"Whose key it is."`
	Models  []string      `help:"Models that it may use (default: all)."`
	Expires time.Duration `help:"How long it is valid, such as 720h (default: for ever)."`
}

// newKey checks what the flags say. What would silently mean "no limit" is refused.
func (c *keysCreateCmd) newKey() (n account.NewKey, err error) {
	n = account.NewKey{Name: c.Name, Models: c.Models}
	if n.Limits, err = c.limits(); err != nil {
		return n, err
	}
	if n.PerUser, err = c.User.limits(); err != nil {
		return n, fmt.Errorf("of each user: %w", err)
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
	return c.printSecret(secret, key)
}

// printSecret shows a new secret, which nothing can show again.
func (o *output) printSecret(secret string, key account.Key) error {
	made := struct {
		Key  string `json:"key"`
		ID   string `json:"id"`
		Name string `json:"name"`
	}{secret, key.ID, key.Name}
	return o.print(made, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n\nThis is the key of %s (%s). It is stored hashed and cannot be shown again.\n", secret, shown(key.Name), key.ID)
		if key.Former != nil {
			fmt.Fprintf(w, "The one before is good until %s.\n", key.Former.Until.Format(time.DateTime))
		}
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
	return c.printKeys(keys...)
}

// printKeys is a table of keys, each with the limits of its users below it.
func (o *output) printKeys(keys ...account.Key) error {
	return o.print(keys, func(w io.Writer) { keyTable(w, keys) })
}

func keyTable(w io.Writer, keys []account.Key) {
	fmt.Fprintln(w, "ID\tNAME\tKEY\tREQ/MIN\tTOK/MIN\tAT ONCE\tSPENT\tBUDGET\tMODELS\tCREATED\tSTATE")
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t$%s\t%s\t%s\t%s\t%s\n", k.ID, shown(k.Name), shown("sk-"+k.Hint), limitText(k.Limits.RPM),
			limitText(k.Limits.TPM), limitText(k.Limits.Concurrency), k.Spent, budgetsText(k.Limits), cmp.Or(shown(strings.Join(k.Models, ",")), "all"),
			k.Created.Format(time.DateTime), stateText(k))
		userLimits(w, "each user", k.PerUser)
		for _, user := range slices.Sorted(maps.Keys(k.Users)) {
			userLimits(w, fmt.Sprintf("user %q", user), k.Users[user])
		}
	}
}

// userLimits is a line below a key.
func userLimits(w io.Writer, who string, l account.Limits) {
	if l != (account.Limits{}) {
		fmt.Fprintf(w, "\t  %s\t\t%s\t%s\t%s\t\t%s\t\t\t\n", who, limitText(l.RPM), limitText(l.TPM), limitText(l.Concurrency), budgetsText(l))
	}
}

func stateText(k account.Key) string {
	switch {
	case k.Revoked:
		return "revoked"
	case k.Disabled:
		return "disabled"
	case k.Expires.IsZero():
		return "active"
	case k.Expires.Before(time.Now()):
		return "expired"
	}
	return "active until " + k.Expires.Format(time.DateTime)
}

// budgetsText shows what may be spent: "$5, $1 a day", "none" for no limit.
func budgetsText(l account.Limits) string {
	var out []string
	for _, b := range []struct {
		limit account.Pico
		per   string
	}{{l.Budget, ""}, {l.BudgetMonth, " a month"}, {l.BudgetDay, " a day"}} {
		if b.limit > 0 {
			out = append(out, "$"+b.limit.String()+b.per)
		}
	}
	return cmp.Or(strings.Join(out, ", "), "none")
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

// keyArg names a key.
type keyArg struct {
	Key string `arg:"" help:"Id or name."`
}

type keysRevokeCmd struct {
	books
	keyArg
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
	fmt.Printf("%s (%s) is revoked\n", key.ID, shown(key.Name))
	return nil
}

type keysRotateCmd struct {
	books
	output
	keyArg
	Keep time.Duration `default:"0" help:"How long the old secret stays good, such as 24h (default: it ends at once)."`
}

func (c *keysRotateCmd) Run(ctx context.Context) error {
	a, err := c.dial()
	if err != nil {
		return err
	}
	secret, key, err := a.RotateKey(ctx, c.Key, c.Keep)
	if err != nil {
		return err
	}
	return c.printSecret(secret, key)
}

type keysDisableCmd struct {
	books
	keyArg
}

func (c *keysDisableCmd) Run(ctx context.Context) error { return c.setDisabled(ctx, c.Key, true) }

type keysEnableCmd struct {
	books
	keyArg
}

func (c *keysEnableCmd) Run(ctx context.Context) error { return c.setDisabled(ctx, c.Key, false) }

func (b *books) setDisabled(ctx context.Context, ref string, disabled bool) error {
	a, err := b.dial()
	if err != nil {
		return err
	}
	key, err := a.UpdateKey(ctx, ref, account.KeyChange{Disabled: &disabled})
	if err != nil {
		return err
	}
	fmt.Printf("%s (%s) is %s\n", key.ID, shown(key.Name), stateText(key))
	return nil
}
