package api

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// job is one valid request.
type job struct {
	sampling
	model   *Model
	prompts [][]int32
	format  format
	tools   bool // answers may be tool calls
	oneCall bool // at most one

	id        string
	created   int64
	key       string
	requestID string // the client's, or the one that it was told, for the log
}

// promptTokens are what the request's prompts have together.
func (j *job) promptTokens() int {
	n := 0
	for _, p := range j.prompts {
		n += len(p)
	}
	return n
}

// room checks that prompts and answers fit into the context.
func (j *job) room() *Error {
	for i, p := range j.prompts {
		switch n, limit := len(p), j.model.context(); {
		case n == 0:
			return invalid("prompt", "Prompt %d is empty.", i)
		case n >= limit && j.maxTokens != 0, n+max(j.maxTokens, 0) > limit:
			return withCode(invalid(j.format.param(), "This model's context is %d tokens, but the prompt has %d and %s for the answer.",
				limit, n, asked(j.maxTokens)), wire.CodeTooLong)
		}
	}
	return nil
}

func asked(maxTokens int) string {
	if maxTokens < 0 {
		return "none are left"
	}
	return fmt.Sprintf("%d are asked", maxTokens)
}

// limit is the number of output tokens that each choice of a prompt may have.
func (j *job) limit(prompt int) int {
	if j.maxTokens >= 0 {
		return j.maxTokens
	}
	return j.model.context() - len(j.prompts[prompt])
}
