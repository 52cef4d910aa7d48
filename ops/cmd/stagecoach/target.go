package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/gossip"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// target says which running cluster a command speaks to: the local one of a data folder, or one at a NATS URL.
type target struct {
	Data       string   `env:"STAGECOACH_DATA" help:"Data folder of a local cluster (default: the user's data directory)."`
	NATS       string   `env:"STAGECOACH_NATS" help:"NATS URL of a cluster that was not started by up here."`
	Cluster    string   `default:"stagecoach" env:"STAGECOACH_CLUSTER" help:"Its name; with --nats."`
	SecretFile string   `env:"STAGECOACH_SECRET_FILE" help:"File with its secret; with --nats."`
	Seeds      []string `env:"STAGECOACH_SEEDS" hidden:""`
}

// local reads cluster.json of the data folder.
func (t *target) local() (*local.Cluster, error) {
	dir := t.Data
	if dir == "" {
		d, err := local.DataDir()
		if err != nil {
			return nil, err
		}
		dir = d
	}
	return local.ReadCluster(dir)
}

// find gives the cluster's name, secret, NATS URL and seeds.
func (t *target) find() (m membership, url string, seeds []string, err error) {
	m.cluster, url, seeds = t.Cluster, t.NATS, t.Seeds
	file := t.SecretFile
	if url == "" {
		c, err := t.local()
		if err != nil {
			return m, "", nil, err
		}
		m.cluster, url, file, seeds = c.Name, c.NATS, c.Secret, c.Seeds
	}
	if file == "" {
		return m, "", nil, errors.New("--nats needs --secret-file, or STAGECOACH_SECRET_FILE")
	}
	m.secret, err = local.ReadSecret(file)
	return m, url, seeds, err
}

// token makes the join token of the cluster.
func (t *target) token() (gossip.Token, error) {
	m, _, seeds, err := t.find()
	if err != nil {
		return gossip.Token{}, err
	}
	if len(seeds) == 0 {
		return gossip.Token{}, errors.New("the cluster's gossip address is not known here: give it in STAGECOACH_SEEDS")
	}
	return gossip.Token{Cluster: m.cluster, Secret: m.secret, Seeds: seeds}, nil
}

// adminConn asks a coordinator.
type adminConn struct {
	conn    bus.Conn
	cluster string
}

// dial connects to the cluster's bus.
func (t *target) dial(ctx context.Context) (*adminConn, error) {
	m, url, _, err := t.find()
	if err != nil {
		return nil, err
	}
	conn, err := m.connect(ctx, url, "ops", bus.Events{}, nil)
	if err != nil {
		return nil, err
	}
	return &adminConn{conn: conn, cluster: m.cluster}, nil
}

func (a *adminConn) close() { a.conn.Close() }

// ask sends a verb to the coordinator and reads its answer into result, unless that is nil.
func (a *adminConn) ask(ctx context.Context, verb string, args, result any) error {
	err := a.request(ctx, wire.Subjects{Cluster: a.cluster}.Admin(), verb, args, result)
	if errors.Is(err, bus.ErrNoResponders) {
		return fmt.Errorf("no coordinator answers in cluster %s: is it running?", a.cluster)
	}
	return err
}

func (a *adminConn) request(ctx context.Context, subject, verb string, args, result any) error {
	req := wire.AdminRequest{Verb: verb}
	if args != nil {
		b, err := json.Marshal(args)
		if err != nil {
			return err
		}
		req.Args = b
	}
	b, err := json.Marshal(req)
	if err != nil {
		return err
	}
	b, err = a.conn.Request(ctx, subject, b)
	if err != nil {
		return err
	}
	var reply wire.AdminReply
	if err := json.Unmarshal(b, &reply); err != nil {
		return fmt.Errorf("answer of the cluster: %w", err)
	}
	if reply.Error != "" {
		return errors.New(reply.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(reply.Result, result)
}

// answer runs one scale order that came over the bus and replies how it went.
func (a *adminConn) answer(ctx context.Context, m bus.Msg, do func(context.Context, wire.ScaleRequest) error) {
	var req wire.AdminRequest
	var order wire.ScaleRequest
	err := json.Unmarshal(m.Data, &req)
	if err == nil {
		err = json.Unmarshal(req.Args, &order)
	}
	if err == nil {
		err = do(ctx, order)
	}
	var reply wire.AdminReply
	if err != nil {
		reply.Error = err.Error()
	}
	if b, err := json.Marshal(reply); err == nil && m.Reply != "" {
		// Who asked may have gone away; that is theirs to notice.
		_ = a.conn.Publish(m.Reply, b)
	}
}
