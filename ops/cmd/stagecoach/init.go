package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
)

type initCmd struct {
	Dir     string   `required:"" help:"Folder for secret and nats.conf."`
	Cluster string   `default:"stagecoach" env:"STAGECOACH_CLUSTER" help:"Name of the cluster."`
	Listen  string   `default:"0.0.0.0:4222" help:"Where the external NATS server listens."`
	Owner   int      `default:"-1" help:"User and group id that the files are given to."`
	Chown   []string `help:"More folders to give to that user."`
}

// Run makes what is missing and leaves what is there: a second start of the same cluster keeps its secret.
func (c *initCmd) Run() error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	secretFile, conf := filepath.Join(c.Dir, "secret"), filepath.Join(c.Dir, "nats.conf")
	if err := local.MakeSecret(secretFile); err != nil {
		return err
	}
	secret, err := local.ReadSecret(secretFile)
	if err != nil {
		return err
	}
	auth, err := bus.Credentials(secret, c.Cluster)
	if err != nil {
		return err
	}
	text, err := auth.ServerConfig()
	if err != nil {
		return err
	}
	text = fmt.Sprintf("listen: %q\nhttp: \"127.0.0.1:8222\"\nserver_name: %q\n%s", c.Listen, c.Cluster, text)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if c.Owner < 0 {
		return nil
	}
	errs := []error{}
	for _, path := range append([]string{c.Dir, secretFile, conf}, c.Chown...) {
		errs = append(errs, os.Chown(path, c.Owner, c.Owner))
	}
	return errors.Join(errs...)
}
