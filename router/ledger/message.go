package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Verbs of the requests to the owner.
const (
	verbHello   = "hello"    // -> helloReply
	verbKey     = "key"      // keyAsk -> keyReply
	verbAdmit   = "admit"    // account.Admission -> account.Grant
	verbLease   = "lease"    // leaseAsk -> leaseReply
	verbDeliver = "deliver"  // []account.Delivery -> []string: a code for each
	verbSettle  = "settle"   // settleAsk -> account.Usage
	verbStands  = "standing" // standingAsk -> account.Standing
	verbUsage   = "usage"    // account.Query -> []account.Total
	verbBeat    = "beat"     // beat -> {}
)

// call is what every request has.
type call struct {
	Ledger string          `json:"ledger,omitempty"` // its id; "" in hello
	Args   json.RawMessage `json:"args,omitempty"`
}

type helloReply struct {
	Ledger string `json:"ledger"`
	Router string `json:"router"` // the owner's name
	Boot   string `json:"boot"`
}

type keyAsk struct {
	Hash []byte `json:"hash,omitempty"` // SHA-256 of the secret
	Open bool   `json:"open,omitempty"`
}

type keyReply struct {
	ID   string `json:"id"`
	Made bool   `json:"made"` // whether any key was ever made
	Code string `json:"code,omitempty"`
}

type standingAsk struct {
	Key  string `json:"key"`
	User string `json:"user"`
}

type leaseAsk struct {
	ID   account.ID `json:"id"`
	UpTo int        `json:"up_to"` // tokens in all
}

type leaseReply struct {
	Leased int `json:"leased"`
}

type settleAsk struct {
	ID      account.ID      `json:"id"`
	Outcome account.Outcome `json:"outcome"`
}

// beat says which requests a boot of a router has.
type beat struct {
	Router string   `json:"router"`
	Boot   string   `json:"boot"`
	Live   []string `json:"live"`
}

// maxTokens bounds the tokens of one request, 128 choices of a million, which keeps their cost within account.Pico.
const maxTokens = 128_000_000

// within tells whether counts of tokens are possible: what comes over the bus is not believed.
func within(counts ...int) bool {
	return slices.Min(counts) >= 0 && slices.Max(counts) <= maxTokens
}

var errRange = errors.New("a number of tokens is out of range")

// codeRefusal is the code of an account.Refusal, which is the result then.
const codeRefusal = "refusal"

// sentinels are the errors that keep their identity on the way.
var sentinels = map[string]error{
	"no_key":          account.ErrNoKey,
	"unknown_key":     account.ErrUnknownKey,
	"revoked":         account.ErrRevoked,
	"disabled":        account.ErrDisabled,
	"expired":         account.ErrExpired,
	"model":           account.ErrModel,
	"unknown_request": account.ErrUnknownRequest,
	"duplicate":       account.ErrDuplicate,
}

// codeOf names an error, "" for none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	for code, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			return code
		}
	}
	return "unavailable"
}

// errorOf is the error that a code and a text stand for.
func errorOf(code, text string) error {
	if code == "" {
		return nil
	}
	if err := sentinels[code]; err != nil {
		return err
	}
	if text == "" {
		return account.ErrUnavailable
	}
	return fmt.Errorf("%w: its owner says: %s", account.ErrUnavailable, text)
}

// replyOf is the answer to a request.
func replyOf(result any, err error) wire.AdminReply {
	reply := wire.AdminReply{}
	var refusal *account.Refusal
	switch {
	case errors.As(err, &refusal):
		reply.Code, result = codeRefusal, refusal
	case err != nil:
		reply.Code, reply.Error = codeOf(err), err.Error()
		return reply
	}
	data, err := json.Marshal(result)
	if err != nil { // these are our own plain types
		panic("ledger: " + err.Error())
	}
	reply.Result = data
	return reply
}
