package generate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Admin asks the coordinator one question; the answer goes to result.
func Admin(ctx context.Context, conn bus.Conn, subjects wire.Subjects, verb string, args, result any) error {
	req := wire.AdminRequest{Verb: verb}
	if args != nil {
		data, err := json.Marshal(args)
		if err != nil {
			return fmt.Errorf("generate: %s: %w", verb, err)
		}
		req.Args = data
	}
	data, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("generate: %s: %w", verb, err)
	}
	answer, err := conn.Request(ctx, subjects.Admin(), data)
	if err != nil {
		return fmt.Errorf("generate: %s: %w", verb, err)
	}
	var reply wire.AdminReply
	if err := json.Unmarshal(answer, &reply); err != nil {
		return fmt.Errorf("generate: %s: answer: %w", verb, err)
	}
	if reply.Code != "" || reply.Error != "" {
		return fmt.Errorf("generate: %s: the coordinator says: %s %s", verb, reply.Code, reply.Error)
	}
	if err := json.Unmarshal(reply.Result, result); err != nil {
		return fmt.Errorf("generate: %s: result: %w", verb, err)
	}
	return nil
}

// Status asks the coordinator how the cluster is.
func Status(ctx context.Context, conn bus.Conn, subjects wire.Subjects) (s wire.Status, err error) {
	err = Admin(ctx, conn, subjects, wire.VerbStatus, nil, &s)
	return s, err
}
