// Command stagecoach is every role of a cluster and the tools around it, in one binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. Each command is a type with a Run method, in the file of its name.
type cli struct {
	Up     upCmd     `cmd:"" group:"cluster" help:"Start a whole cluster on this machine: NATS, coordinator, shards and router as supervised processes."`
	Join   joinCmd   `cmd:"" group:"cluster" help:"Add this machine as a shard to a running cluster."`
	Token  tokenCmd  `cmd:"" group:"cluster" help:"Print the token with which another machine joins. It carries the cluster's secret."`
	Status statusCmd `cmd:"" group:"cluster" help:"Show stages, shards and load."`
	Plan   planCmd   `cmd:"" group:"cluster" help:"Show how the layers would be placed, without doing it."`
	Scale  scaleCmd  `cmd:"" group:"cluster" help:"Run on N shards: starts or stops shards of a local cluster and splits the layers anew."`
	Drain  drainCmd  `cmd:"" group:"cluster" help:"Move a shard's layers away and keep it out of plans, so that it can be stopped."`
	Health healthCmd `cmd:"" group:"cluster" help:"Exit 0 when an endpoint answers that it is well; for container health checks."`

	Chat  chatCmd  `cmd:"" group:"use" help:"Talk to the model."`
	Bench benchCmd `cmd:"" group:"use" help:"Measure tokens per second: through the endpoint, or of the engine alone."`
	Keys  keysCmd  `cmd:"" group:"use" help:"Make, list and revoke API keys."`
	Usage usageCmd `cmd:"" group:"use" help:"Show tokens and cost per key and user."`
	Synth synthCmd `cmd:"" group:"use" help:"Write a random-weight GGUF of a Qwen2 size, for measuring."`

	Nats        natsCmd        `cmd:"" group:"roles" help:"Run the message bus: an embedded NATS server."`
	Coordinator coordinatorCmd `cmd:"" group:"roles" help:"Run the coordinator: membership, placement, scheduling."`
	Shard       shardCmd       `cmd:"" group:"roles" help:"Run a shard: some of the model's layers."`
	Router      routerCmd      `cmd:"" group:"roles" help:"Run the router: the OpenAI endpoint, keys, limits and usage."`
	Init        initCmd        `cmd:"" group:"roles" help:"Make a cluster's secret and the configuration of an external NATS server."`

	Version versionCmd `cmd:"" group:"use" help:"Print the version, and the kernels that it computes with here."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	var c cli
	k := kong.Parse(&c,
		kong.Name("stagecoach"),
		kong.Description("Serve a Qwen2 model from a pipeline of machines."),
		kong.ExplicitGroups([]kong.Group{
			{Key: "cluster", Title: "A cluster"},
			{Key: "use", Title: "Using it"},
			{Key: "roles", Title: "Single roles (what `up` starts for you)"},
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars(synthVars()),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err := k.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "stagecoach: %s\n", shownText(err.Error()))
		os.Exit(1)
	}
}
